"""Which training images an epoch shows, in which order and batches."""

from __future__ import annotations

import numpy as np

from maskfold.recipe.learning import CELLS, Sampler
from maskfold.scheme import IntArray, Scheme


def strata(sampler: Sampler, classes: IntArray, labels: IntArray, scheme: Scheme) -> IntArray:
    """Return what a sampler shows equally often.

    Args:
        sampler: Which sampler; ``uniform`` has one stratum.
        classes: Class of the target of each training image, int64, (N,).
        labels: Classes of all attributes of each training image, int64, (N, attributes), -1 where not known.
        scheme: Names the attributes.

    Returns:
        Stratum of each image, int64, (N,). An unknown label of an external image is one more class of its attribute:
        a sampler that balances an attribute shows images with an unknown class as often as those of each known one,
        and ``balanced-cells`` treats each combination of known and unknown classes as a cell, as ``balanced`` does
        with images of which the target's class is not known.
    """
    if sampler == "uniform":
        return np.zeros(len(classes), dtype=np.int64)
    if sampler == "balanced":
        return _with_partial(classes, labels)
    balanced = sampler.removeprefix("balanced-")
    if balanced == CELLS:
        return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return scheme.column(labels, balanced)


def _with_partial(classes: IntArray, labels: IntArray) -> IntArray:
    unknown = classes < 0
    if not unknown.any():
        return classes
    found = classes.copy()
    cells = np.unique(labels[unknown], axis=0, return_inverse=True)[1].reshape(-1)
    found[unknown] = classes.max() + 1 + cells
    return found


def images_per_epoch(n_images: int, fraction: float) -> int:
    """Return how many images an epoch draws: a fraction of the training part, at least one."""
    return max(1, round(n_images * fraction))


def epoch_order(strata: IntArray, shown: int, draws: np.random.Generator) -> IntArray:
    """Draw the order of one epoch.

    Every stratum that occurs is shown equally often (to within one image), and every image of a stratum equally often
    (to within one showing). So one stratum with ``shown`` = N shows every image once.

    Args:
        strata: Stratum of each training image, int64, (N,).
        shown: Showings in all.
        draws: Where the randomness comes from.

    Returns:
        Positions in ``strata``, int64, (shown,).
    """
    present = np.unique(strata)
    if len(present) == 1:
        return _repeated(np.arange(len(strata)), shown, draws)
    quotas = np.full(len(present), shown // len(present))
    quotas[draws.permutation(len(present))[: shown % len(present)]] += 1
    chosen = [
        _repeated(np.flatnonzero(strata == value), quota, draws) for value, quota in zip(present, quotas, strict=True)
    ]
    return draws.permutation(np.concatenate(chosen))


def _repeated(positions: IntArray, quota: int, draws: np.random.Generator) -> IntArray:
    rounds = max(1, -(-quota // len(positions)))
    return np.concatenate([draws.permutation(positions) for _ in range(rounds)])[:quota]


def steps_per_epoch(n_images: int, batch_size: int) -> int:
    """Return how many batches an epoch trains on.

    All training batches have the same size: a short last batch would weigh its few images more than the others, and
    batch norm cannot take one image at all. So the epoch's remainder is left out; as the order changes with every
    epoch, no image is left out for good. A training part smaller than one batch is one batch.
    """
    return max(1, n_images // batch_size)


def batch_of(order: IntArray, step: int, batch_size: int) -> IntArray:
    """Return the positions of one step's batch."""
    return order[step * batch_size : (step + 1) * batch_size]
