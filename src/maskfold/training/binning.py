"""The classes of training: those of the training labels, or bins finer than the scheme's groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from maskfold.recipe import Binning, Network
from maskfold.scheme import JOINT, Attribute, Columns, IntArray, Scheme

Floats = TypeVar("Floats", np.float32, np.float64)


def counted_classes(network: Network, scheme: Scheme) -> IntArray:
    """Return the class that each trained class counts as, int64, (trained classes,).

    Raises:
        ValueError: If a bin does not belong to one group.
    """
    taught, counted = network.taught(scheme), scheme.for_training()
    if network.target != JOINT:
        return _groups(taught[network.target], counted[network.target], network.binning)
    groups = [
        _groups(bins, groups, network.binning)
        for bins, groups in zip(taught.attributes, counted.attributes, strict=True)
    ]
    trained = taught.decode(np.arange(taught.n_classes))
    return counted.encode(np.stack([found[trained[:, place]] for place, found in enumerate(groups)], axis=-1))


def _groups(bins: Attribute, groups: Attribute, binning: Mapping[str, Binning]) -> IntArray:
    """Return the group that each bin of an attribute belongs to: that of its lower bound."""
    if bins.size == groups.size:
        return np.arange(groups.size)
    binning[groups.name].check_bounds(groups)
    return groups.classes([-np.inf, *bins.bounds])


def merged(probabilities: NDArray[Floats], counted: IntArray) -> NDArray[Floats]:
    """Sum the probabilities of the trained classes of each class that counts.

    Args:
        probabilities: (N, trained classes).
        counted: The class that each of them counts as, int64, (trained classes,).

    Returns:
        (N, classes) of the same type; the same array if both classes are the same.
    """
    n_classes = int(counted.max()) + 1
    if n_classes == len(counted):
        return probabilities
    found = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    for trained, counts_as in enumerate(counted):
        found[:, counts_as] += probabilities[:, trained]
    return found


def is_left_out(stated: Columns, n_images: int, binning: Mapping[str, Binning]) -> NDArray[np.bool_]:
    """Return which images are not trained on because of a number that they state, (N,).

    Args:
        stated: Numbers by attribute, (N,), NaN where not known.
        n_images: N.
        binning: A network's, by attribute.
    """
    left_out = np.zeros(n_images, dtype=bool)
    for name, one in binning.items():
        for first, last in one.leave_out:
            number = np.asarray(stated[name], dtype=np.float64)
            left_out |= (number >= first) & (number <= last)
    return left_out
