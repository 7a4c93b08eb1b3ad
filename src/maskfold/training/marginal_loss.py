"""The loss of images of which only some attributes are known: that of the probability of what is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from maskfold.training.losses import LossFunction
from maskfold.training.targets import Known


def of_blocks(whole: LossFunction, sizes: Sequence[int], blocks: Sequence[Known]) -> LossFunction:
    """Return a loss for targets of several blocks; see :mod:`maskfold.training.targets`.

    To the loss of the first block it adds, for each further block of known attributes K, the cross-entropy
    -sum_k t_k log sum_{c agrees with k} p_c with k over the classes of K: for an image of which one class k is known,
    the negative logarithm of its likelihood. A block where an image has no mass adds nothing for it, and a mixed image
    has each partner's loss in its share.

    Args:
        whole: Loss of the joint classes; linear in the targets, so that a row without mass adds nothing.
        sizes: Number of classes of each attribute that makes up the joint classes, the last one changing fastest.
        blocks: The first one is that of all attributes.
    """
    widths = [math.prod(sizes[place] for place in block) for block in blocks]

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        first, *others = targets.split_with_sizes(widths, dim=1)
        found = whole(logits, first.contiguous())
        cube = logits.log_softmax(dim=1).view(len(logits), *sizes)
        for block, part in zip(blocks[1:], others, strict=True):
            unknown = [place + 1 for place in range(len(sizes)) if place not in block]
            log_p = cube.logsumexp(dim=unknown).flatten(start_dim=1)
            found = found - (part * log_p).sum(dim=1).mean()
        return found

    return loss
