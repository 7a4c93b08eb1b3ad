"""Covers drawn on bare faces, and new colours for covered ones, as an augmentation that changes classes.

Anwar and Raychowdhury 2020, Masked Face Recognition for Secure Authentication, fit photographed templates to landmarks
of the face. Here shapes and cloth are drawn, so that no two covers are the same. Crops are cut by the face's box, so
eyes, nose and mouth are at nearly the same place in all of them: on 200 photographs of upright faces the height of the
nose's tip had a standard deviation of 2 % of the crop's.

Only images that are drawn on are computed, together, on their device. A cover is a shape of
:mod:`maskfold.training.cover_shapes` on a coordinate grid of the typical face.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from maskfold.recipe import Covering
from maskfold.scheme import UNKNOWN, IntArray, Scheme
from maskfold.training.cover_drawing import Box, draw_covers
from maskfold.training.cover_shapes import Use
from maskfold.training.targets import Known
from maskfold.training.transfer import to_device

TYPICAL_FACE: Final[Box] = (0.143, 0.226, 0.857, 0.871)
"""Where the detected box is in crops with the default margins."""


class Covers:
    """Draws covers on the images of a batch, as a network's settings say.

    Args:
        settings: The settings.
        scheme: Whose classes of the target images have.
        target: Of the network.
        face: Where the detected box is in the crop: left, top, right, bottom as shares of its width and height.
        shape: Trained classes of each attribute of the target, where images have shares of them; as in ``scheme`` by
            default.
        blocks: Of the shares; see :mod:`maskfold.training.targets`. None: one, of all attributes of the target.
    """

    def __init__(
        self,
        settings: Covering,
        scheme: Scheme,
        target: str,
        face: Box = TYPICAL_FACE,
        shape: Sequence[int] | None = None,
        blocks: Sequence[Known] = (),
    ) -> None:
        self._settings, self._face = settings, face
        self._states = _States(settings, scheme, target, shape, blocks)

    def __call__(
        self,
        images: Tensor,
        classes: IntArray,
        draws: np.random.Generator,
        shares: NDArray[np.float32] | None = None,
    ) -> tuple[Tensor, IntArray]:
        """Cover some faces.

        Args:
            images: Float32 in 0..1, RGB, (N, 3, H, W); overwritten where something is drawn.
            classes: Classes of the target, int64, (N,); -1 where an attribute of it is not known.
            draws: Where the randomness comes from.
            shares: Of the trained classes, (N, classes of all blocks), for targets that are more than one class each;
                overwritten where a bare face was covered.

        Returns:
            The images and their classes, new where a bare face was covered.
        """
        settings, count = self._settings, len(classes)
        chosen, of_use, by_tint = draws.random((3, count))
        seed = int(draws.integers(2**63))
        state = self._states.of(classes, shares)
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
        if shares is not None:
            self._states.move(shares, put_on, use)
        return images, self._states.changed(classes, put_on, use)


BARE: Final = 2
"""State of a face without a cover; the numbers of :class:`Use` are those of covered ones."""
_UNKNOWN = -1
_TINTED = 0.5
"""Share of the covers in place that are tinted; a new one of the same use is drawn over the others."""


class _States:
    """Which classes of a target are of bare, which of covered faces, and the classes that covers change them to."""

    def __init__(
        self, settings: Covering, scheme: Scheme, target: str, shape: Sequence[int] | None, blocks: Sequence[Known]
    ) -> None:
        members = scheme.members(target)
        self._shape = tuple(attribute.size for attribute in members)
        self._trained = tuple(shape or self._shape)
        self._blocks = tuple(blocks) or (tuple(range(len(members))),)
        names = [attribute.name for attribute in members]
        self._place = names.index(settings.attribute) if settings.attribute in names else _UNKNOWN
        self._numbers: dict[int, int] = {}
        if self._place != _UNKNOWN:
            values = members[self._place].values
            stated = {BARE: settings.bare, Use.WORN: settings.worn, Use.WRONG: settings.wrong}
            self._numbers = {int(state): values.index(value) for state, value in stated.items() if value}

    def of(self, classes: IntArray, shares: NDArray[np.float32] | None) -> IntArray:
        """Return the state of each face; of a target without the attribute all count as bare."""
        if self._place == _UNKNOWN:
            return np.full(len(classes), BARE)
        values = self._values(classes) if shares is None else self._values_in(shares)
        found = np.full(len(classes), _UNKNOWN)
        for state, number in self._numbers.items():
            found[values == number] = state
        return found

    def changed(self, classes: IntArray, chosen: NDArray[np.bool_], use: IntArray) -> IntArray:
        """Return the classes with the chosen faces' attribute changed to what they have on."""
        if self._place == _UNKNOWN:
            return classes
        step = math.prod(self._shape[self._place + 1 :])
        found, values = classes.copy(), self._values(classes)
        for state, number in self._new():
            moved = chosen & (use == state) & (classes >= 0)
            found[moved] += (number - values[moved]) * step
        return found

    def move(self, shares: NDArray[np.float32], chosen: NDArray[np.bool_], use: IntArray) -> None:
        """Move the chosen faces' shares to the classes of what they have on, in place."""
        for along in self._along(shares):
            for state, number in self._new():
                moved = np.flatnonzero(chosen & (use == state))
                whole = along[moved].sum(axis=1)
                along[moved] = 0
                along[moved, number] = whole

    def _new(self) -> Iterator[tuple[int, int]]:
        """Yield the states that covers lead to, and the attribute's class of each."""
        return ((state, number) for state, number in self._numbers.items() if state != BARE)

    def _values(self, classes: IntArray) -> IntArray:
        """Return the attribute's class of each image, -1 where the target's is not known."""
        step, size = math.prod(self._shape[self._place + 1 :]), self._shape[self._place]
        return np.where(classes < 0, UNKNOWN, classes // step % size)

    def _values_in(self, shares: NDArray[np.float32]) -> IntArray:
        """Return the attribute's class of each image, -1 where it is not known."""
        found = np.full(len(shares), UNKNOWN, dtype=np.int64)
        for along in self._along(shares):
            mass = along.reshape(*along.shape[:2], -1).sum(axis=2)
            found = np.where(mass.any(axis=1), mass.argmax(axis=1), found)
        return found

    def _along(self, shares: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield views of the blocks with the attribute: (N, its classes, classes of each other attribute)."""
        start = 0
        for block in self._blocks:
            sizes = [self._trained[place] for place in block]
            end = start + math.prod(sizes)
            if self._place in block:
                axis = block.index(self._place) + 1
                yield np.moveaxis(shares[:, start:end].reshape(len(shares), *sizes), axis, 1)
            start = end
