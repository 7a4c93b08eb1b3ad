"""Training of one network on all folds but one: a pure core over tensors, with effects at the rim.

``data`` and ``images`` say what is learnt from, ``backbones`` and ``learner`` what learns and how one step goes,
``loop`` runs the epochs, ``checkpoint`` keeps them, ``recorder`` is all that training knows of experiment tracking.
"""
