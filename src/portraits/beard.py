"""Beards: stubble, moustache, goatee and full beard."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from portraits.canvas import Cover, cloud
from portraits.easel import Easel
from portraits.head import face_relief
from portraits.outline import Point, curve, mirrored
from portraits.person import Beard, Face


class _Growth(NamedTuple):
    """How one kind of beard grows."""

    parts: tuple[str, ...]
    strength: float
    """How much of the skin it hides; stubble leaves most of it, and no beard is quite opaque at its edge."""
    soft: float = 0.035
    """Blur of its edge, face units; unshaven skin has no edge."""


GROWTHS: Final[dict[Beard, _Growth]] = {
    "stubble": _Growth(("moustache", "jaw"), 0.33, soft=0.09),
    "moustache": _Growth(("moustache",), 0.85),
    "goatee": _Growth(("moustache", "goatee"), 0.8),
    "full": _Growth(("moustache", "jaw"), 0.88),
}


def paint_beard(easel: Easel, face: Face, head: Cover, rng: np.random.Generator) -> None:
    """Paint the beard, if the face has one, inside what the head covers."""
    if face.beard == "none":
        return
    growth, outlines = GROWTHS[face.beard], _outlines(face)
    cover = easel.area(*(curve(outlines[part]) for part in growth.parts), soft=growth.soft).inside(head)
    strands = 1 + 0.09 * cloud(rng, cover.alpha.shape, 2) + 0.08 * cloud(rng, cover.alpha.shape, 9)  # hairs and tufts
    u, v = easel.grid(cover)
    light = face_relief(face, easel.pose).lit(easel.light, u, v)
    # 1.1: hairs stand out from the face into the light.
    colour = np.asarray(face.beard_colour) * (strands * light)[..., None] * 1.1
    easel.paint(cover.ragged(rng, 0.16), colour, growth.strength)


def _outlines(face: Face) -> dict[str, list[Point]]:
    """Return where hair can grow, face points: around the mouth, on the chin, along the jaw up to the ears."""
    m, w, chin = face.mouth_y, face.mouth_width, face.chin
    goatee_outside: list[Point] = [(-w - 0.06, m - 0.02), (-w, m + 0.3), (-0.3, chin)]
    goatee_inside: list[Point] = [(w - 0.06, m + 0.06), (0.16, m + 0.17)]
    # Past the chin, so that the head's outline and not this one cuts it off.
    jaw_outside: list[Point] = [(-1.0, 0.25), (-1.0, 0.9), (-0.82, 1.3), (-0.4, 1.75)]
    jaw_inside: list[Point] = [(0.9, 0.5), (0.74, 0.88), (w + 0.08, m - 0.02), (0.2, m + 0.16)]
    return {
        "moustache": [*mirrored([(-w - 0.04, m + 0.02), (-0.3, m - 0.17)], (0, m - 0.2)), (0, m - 0.04)],
        "goatee": [*mirrored(goatee_outside, (0, chin + 0.06)), *mirrored(goatee_inside)],
        "jaw": [*mirrored(jaw_outside, (0, 1.8)), *mirrored(jaw_inside)],
    }
