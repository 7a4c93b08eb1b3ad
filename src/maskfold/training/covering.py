"""Covers drawn on bare faces, and new colours for covered ones, as an augmentation that changes classes.

Only images that are drawn on are computed, together, on their device. A cover is a shape of
:mod:`maskfold.training.cover_shapes` on a coordinate grid of the typical face: crops are cut by the face's box, so
eyes, nose and mouth are at nearly the same place in all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from maskfold.recipe import Covering
from maskfold.scheme import IntArray, Scheme
from maskfold.training.cover_drawing import Box, draw_covers
from maskfold.training.cover_shapes import Use
from maskfold.training.transfer import to_device

DEFAULT_FACE: Box = (0.143, 0.226, 0.857, 0.871)


class Covers:
    """Draws covers on the images of a batch, as a network's settings say.

    Args:
        settings: The settings.
        taught: The scheme of the training classes.
        target: Of the network.
        face: Where the detected box is in the crop: left, top, right, bottom as shares of its width and height.
    """

    def __init__(self, settings: Covering, taught: Scheme, target: str, face: Box = DEFAULT_FACE) -> None:
        self._settings, self._face = settings, face
        self._changes = _Changes(settings, taught, target)

    def __call__(self, images: Tensor, classes: IntArray, draws: np.random.Generator) -> tuple[Tensor, IntArray]:
        """Cover some faces.

        Args:
            images: Float32 in 0..1, RGB, (N, 3, H, W); overwritten.
            classes: Classes of the target, int64, (N,).
            draws: Where the randomness comes from.

        Returns:
            The images and their new classes.
        """
        count = len(classes)
        chance = draws.random((3, count))
        bare, worn, wrong = self._changes.states(classes)
        s = self._settings
        put_on = bare & (chance[0] < s.p)
        use = np.where(put_on, np.where(chance[1] < s.wrong_share, Use.WRONG, Use.WORN), Use.NEITHER)
        aside = bare & ~put_on & (chance[2] < s.other)
        again = (worn | wrong) & (chance[0] < s.recolour)
        over = again & worn & (chance[1] < 0.5)
        use = np.where(over, Use.WORN, np.where(again & wrong, Use.WRONG, np.where(again, Use.WORN, use)))
        seeds = draws.integers(2**63)
        chosen = np.flatnonzero(put_on | aside | again)
        child = np.random.default_rng(seeds)
        if len(chosen):
            tint = (again & ~over)[chosen]
            where = to_device(chosen, images.device)
            images[where] = draw_covers(images[where], use[chosen], tint, self._face, child)
        return images, self._changes.changed(classes, np.flatnonzero(put_on), use)


class _Changes:
    """Which classes are bare, worn, wrong, and what they become."""

    def __init__(self, settings: Covering, taught: Scheme, target: str) -> None:
        self._place: int | None = None
        names = [one.name for one in taught.members(target)]
        self._shape = tuple(one.size for one in taught.members(target))
        if settings.attribute in names:
            self._place = names.index(settings.attribute)
            values = taught[settings.attribute].class_names
            self._bare, self._worn, self._wrong = (
                values.index(v) for v in (settings.bare, settings.worn, settings.wrong)
            )

    def states(self, classes: IntArray) -> tuple[NDArray[np.bool_], ...]:
        if self._place is None:
            everyone = np.ones(len(classes), dtype=bool)
            return everyone, ~everyone, ~everyone
        state = np.unravel_index(classes, self._shape)[self._place]
        return state == self._bare, state == self._worn, state == self._wrong

    def changed(self, classes: IntArray, chosen: IntArray, use: IntArray) -> IntArray:
        if self._place is None or not len(chosen):
            return classes
        parts = [part.copy() for part in np.unravel_index(classes, self._shape)]
        parts[self._place][chosen] = np.where(use[chosen] == Use.WORN, self._worn, self._wrong)
        return np.ravel_multi_index(parts, self._shape).astype(np.int64)
