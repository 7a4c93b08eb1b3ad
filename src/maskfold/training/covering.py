"""Covers drawn on bare faces, and new colours for covered ones, as an augmentation that changes classes.

Anwar and Raychowdhury 2020, Masked Face Recognition for Secure Authentication, fit photographed templates to landmarks
of the face. Here shapes and cloth are drawn, so that no two covers are the same. Crops are cut by the face's box, so
eyes, nose and mouth are at nearly the same place in all of them: on 200 photographs of upright faces the height of the
nose's tip had a standard deviation of 2 % of the crop's.

Only images that are drawn on are computed, together, on their device. A cover is a shape of
:mod:`maskfold.training.cover_shapes` on a coordinate grid of the typical face.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from maskfold.recipe import Covering
from maskfold.scheme import IntArray, Scheme
from maskfold.training.cover_drawing import Box, draw_covers
from maskfold.training.cover_shapes import Use
from maskfold.training.transfer import to_device

TYPICAL_FACE: Final[Box] = (0.143, 0.226, 0.857, 0.871)
"""Where the detected box is in crops with the default margins."""


class Covers:
    """Draws covers on the images of a batch, as a network's settings say.

    Args:
        settings: The settings.
        taught: The scheme of the training classes.
        target: Of the network.
        face: Where the detected box is in the crop: left, top, right, bottom as shares of its width and height.
    """

    def __init__(self, settings: Covering, taught: Scheme, target: str, face: Box = TYPICAL_FACE) -> None:
        self._settings, self._face = settings, face
        self._states = _States(settings, taught, target)

    def __call__(self, images: Tensor, classes: IntArray, draws: np.random.Generator) -> tuple[Tensor, IntArray]:
        """Cover some faces.

        Args:
            images: Float32 in 0..1, RGB, (N, 3, H, W); overwritten where something is drawn.
            classes: Classes of the target, int64, (N,).
            draws: Where the randomness comes from.

        Returns:
            The images and their classes, new where a bare face was covered.
        """
        settings, count = self._settings, len(classes)
        chosen, of_use, by_tint = draws.random((3, count))
        seed = int(draws.integers(2**63))
        state = self._states.of(classes)
        bare, covered = state == BARE, (state == Use.WORN) | (state == Use.WRONG)

        put_on = bare & (chosen < settings.p)
        beside = bare & ~put_on & (chosen < settings.p + (1 - settings.p) * settings.other)
        again = covered & (chosen < settings.recolour)
        tint = again & (by_tint < _TINTED)
        use = np.where(of_use < (settings.wrong_share if settings.wrong else 0), Use.WRONG, Use.WORN)
        use = np.where(again, state, np.where(put_on, use, Use.NEITHER))

        drawn_on = np.flatnonzero(put_on | beside | again)
        if len(drawn_on) == 0:
            return images, classes
        where = to_device(drawn_on, images.device)
        looks = np.random.default_rng(seed)  # of its own: how much it draws depends on the classes
        images[where] = draw_covers(images[where], use[drawn_on], tint[drawn_on], self._face, looks)
        return images, self._states.changed(classes, put_on, use)


BARE: Final = 2
"""State of a face without a cover; the numbers of :class:`Use` are those of covered ones."""
_UNKNOWN = -1
_TINTED = 0.5
"""Share of the covers in place that are tinted; a new one of the same use is drawn over the others."""


class _States:
    """Which classes of a target are of bare, which of covered faces, and the classes that covers change them to."""

    def __init__(self, settings: Covering, taught: Scheme, target: str) -> None:
        members = taught.members(target)
        self._shape = tuple(attribute.size for attribute in members)
        names = [attribute.name for attribute in members]
        self._place = names.index(settings.attribute) if settings.attribute in names else None
        self._numbers: dict[int, int] = {}
        if self._place is not None:
            values = members[self._place].values
            stated = {BARE: settings.bare, Use.WORN: settings.worn, Use.WRONG: settings.wrong}
            self._numbers = {int(state): values.index(value) for state, value in stated.items() if value}

    def of(self, classes: IntArray) -> IntArray:
        """Return the state of each face; of a target without the attribute all count as bare."""
        if self._place is None:
            return np.full(len(classes), BARE)
        values, found = np.unravel_index(classes, self._shape)[self._place], np.full(len(classes), _UNKNOWN)
        for state, number in self._numbers.items():
            found[values == number] = state
        return found

    def changed(self, classes: IntArray, chosen: NDArray[np.bool_], use: IntArray) -> IntArray:
        """Return the classes with the chosen faces' attribute changed to what they have on."""
        if self._place is None:
            return classes
        parts = list(np.unravel_index(classes, self._shape))
        for state in (Use.WORN, Use.WRONG):
            if state in self._numbers:
                parts[self._place] = np.where(chosen & (use == state), self._numbers[state], parts[self._place])
        return np.ravel_multi_index(parts, self._shape).astype(np.int64)
