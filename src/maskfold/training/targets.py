"""What a network is to answer for each training image, where that is not one class.

*Label distribution learning*: Gao et al. 2017, Deep Label Distribution Learning with Label Ambiguity, section 3: the
target of an image is a discretised normal distribution around its label, and the loss the Kullback-Leibler divergence.
Cross-entropy with these targets has the same gradient. Here bins may be of any width, so a bin's share is the integral
of the density over the bin; the first and the last one are open, so that the shares sum to 1.

*Partial labels*: of an image some attributes of the joint class may be unknown. What is known has a probability, the
sum of those of all joint classes that agree with it, and the loss is that of these sums (the likelihood of an
incomplete observation: Dempster et al. 1977, Maximum Likelihood from Incomplete Data via the EM Algorithm, section 1).
A row of targets therefore has a *block* for each combination of attributes that are known together, and its mass in one
of them. CutMix and MixUp mix rows of different blocks as they mix all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.recipe import Network
from maskfold.scheme import UNKNOWN, Attribute, Columns, FloatArray, IntArray, Scheme

Known = tuple[int, ...]
"""Places of the attributes that are known together, rising."""


@dataclass(frozen=True)
class Targets:
    """Shares of the trained classes for each training image."""

    members: tuple[NDArray[np.float32], ...]
    """Of each attribute that the target is made of, (N, classes of the attribute); rows sum to 1, or are 0 where the
    attribute is not known."""

    @cached_property
    def blocks(self) -> tuple[Known, ...]:
        """The combinations of known attributes; the first one is that of all."""
        everything = tuple(range(len(self.members)))
        found = {tuple(np.flatnonzero(row).tolist()) for row in np.unique(self._known, axis=0)}
        return (everything, *sorted(found - {everything}))

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        return np.stack([member.any(axis=1) for member in self.members], axis=1)

    @cached_property
    def _block_of(self) -> IntArray:
        """Number of each image's block, (N,)."""
        wanted = np.array([[place in block for place in range(len(self.members))] for block in self.blocks])
        return np.asarray((self._known[:, None, :] == wanted).all(axis=2).argmax(axis=1), dtype=np.int64)

    def of(self, positions: IntArray) -> NDArray[np.float32]:
        """Return the shares of some images, (n, classes of all blocks): in its own block the attributes' products.

        Args:
            positions: In the training part, (n,).
        """
        parts = []
        for number, block in enumerate(self.blocks):
            found = (self._block_of[positions] == number).astype(np.float32)[:, None]
            for place in block:
                size = found.shape[1] * self.members[place].shape[1]
                found = (found[:, :, None] * self.members[place][positions][:, None, :]).reshape(len(positions), size)
            parts.append(found)
        return np.concatenate(parts, axis=1)


def targets_of(network: Network, taught: Scheme, stated: Columns) -> Targets | None:
    """Return the targets of a network; None if one class is the target of each image.

    Args:
        network: Its target and its binning.
        taught: The scheme of the training classes.
        stated: A column for each attribute, (N,), with some attributes of the target known.
    """
    members = taught.members(network.target)
    spreads = [network.binning[one.name].spread if one.name in network.binning else 0.0 for one in members]
    classes = [one.classes(stated[one.name]) for one in members]
    if not any(spreads) and not any((one == UNKNOWN).any() for one in classes):
        return None
    shares = [
        _shares(one, spread, known, np.asarray(stated[one.name]))
        for one, spread, known in zip(members, spreads, classes, strict=True)
    ]
    return Targets(tuple(one.astype(np.float32) for one in shares))


def _shares(attribute: Attribute, spread: float, classes: IntArray, stated: NDArray[np.float64]) -> FloatArray:
    found, known = np.zeros((len(classes), attribute.size)), classes != UNKNOWN
    if spread:
        found[known] = label_distribution(stated[known].tolist(), attribute.bounds, spread)
    else:
        found[known] = np.eye(attribute.size)[classes[known]]
    return found


def label_distribution(numbers: Sequence[float], bounds: Sequence[float], spread: float) -> FloatArray:
    """Return the share of each bin in a normal distribution around each number.

    The share of a bin from a to b is Phi((b - m) / s) - Phi((a - m) / s), with Phi the standard normal distribution
    function and s the spread. m is the number itself, unless numbers and bounds are all whole: a whole number, such as
    full years, stands for all that it is the whole part of, so m is in their middle, 0.5 above it. So the last number
    below a bound and the first one at it are equally far from the bound.

    Args:
        numbers: (N,).
        bounds: Lower bounds of the bins but the first, rising.
        spread: Standard deviation, above 0.

    Returns:
        (N, bins); rows sum to 1.
    """
    number, bound = np.asarray(numbers, dtype=np.float64), np.asarray(bounds, dtype=np.float64)
    whole = all(bool((values == np.floor(values)).all()) for values in (number, bound))
    middle = number + 0.5 if whole else number
    below = torch.special.ndtr(torch.from_numpy((bound[None, :] - middle[:, None]) / spread)).numpy()
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def centres(bounds: Sequence[float]) -> FloatArray:
    """Return the number that each bin stands for, (bins,): its middle.

    The first and the last bin, which are open, count as wide as the one next to them; two bins, of which none has a
    width, are one unit wide.

    Args:
        bounds: Lower bounds of the bins but the first, rising.
    """
    bound = np.asarray(bounds, dtype=np.float64)
    widths = np.diff(bound) if len(bound) > 1 else np.ones(1)
    edges = np.concatenate([[bound[0] - widths[0]], bound, [bound[-1] + widths[-1]]])
    return np.asarray((edges[:-1] + edges[1:]) / 2)
