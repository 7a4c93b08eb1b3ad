"""What a network is to answer for each training image: one class, or shares of several around a number.

Label distribution learning: Gao et al. 2017, Deep Label Distribution Learning with Label Ambiguity, section 3: the
target of an image is a discretised normal distribution around its label, and the loss the Kullback-Leibler divergence.
Cross-entropy with these targets has the same gradient. Here bins may be of any width, so a bin's share is the integral
of the density over the bin; the first and the last one are open, so that the shares sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.recipe import Network
from maskfold.scheme import Attribute, Columns, FloatArray, IntArray, Scheme


@dataclass(frozen=True)
class Targets:
    """Shares of the trained classes for each training image."""

    members: tuple[NDArray[np.float32], ...]
    """Of each attribute that the target is made of, (N, classes of the attribute); rows sum to 1."""

    def of(self, positions: IntArray) -> NDArray[np.float32]:
        """Return the shares of some images, (n, trained classes): of joint classes the attributes' products.

        Args:
            positions: In the training part, (n,).
        """
        found = np.ones((len(positions), 1), dtype=np.float32)
        for member in self.members:
            size = found.shape[1] * member.shape[1]
            found = (found[:, :, None] * member[positions][:, None, :]).reshape(len(positions), size)
        return found


def spread_out(network: Network, taught: Scheme, stated: Columns) -> Targets | None:
    """Return the targets of a network with a spread; None if one class is the target of each image.

    Args:
        network: Its target and its binning.
        taught: The scheme of the training classes.
        stated: A column for each attribute, (N,), with all attributes of the target known.
    """
    members = taught.members(network.target)
    spreads = [network.binning[one.name].spread if one.name in network.binning else 0.0 for one in members]
    if not any(spreads):
        return None
    shares = [_shares(one, spread, stated[one.name]) for one, spread in zip(members, spreads, strict=True)]
    return Targets(tuple(one.astype(np.float32) for one in shares))


def _shares(attribute: Attribute, spread: float, stated: Sequence[float]) -> FloatArray:
    if spread:
        return label_distribution(stated, attribute.bounds, spread)
    return np.eye(attribute.size)[attribute.classes(stated)]


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
