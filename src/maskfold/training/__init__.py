"""Training of one network on all folds but one: pure functions over tensors, with side effects at the edges.

``data`` and ``images`` hold the training images and labels, ``backbones`` and ``learner`` the network and one step,
``loop`` runs the epochs, ``checkpoint`` stores them, ``recorder`` is the only link to experiment tracking.
"""
