"""Face masks: their kinds and colours, and the ways of wearing them right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from portraits.chance import bounded, pick
from portraits.outline import Point, Points, at_depth, curve, mirrored
from portraits.person import Colour, Face, colour
from portraits.shot import surface

Kind = Literal["surgical", "cloth", "kn95", "boat"]
Pattern = Literal["plain", "stripes", "dots", "checks", "blotches", "mark"]
Wearing = Literal["right", "below nose", "below mouth", "under chin"]

KINDS: Final[dict[Kind, float]] = {"surgical": 0.4, "cloth": 0.26, "kn95": 0.18, "boat": 0.16}
"""Kinds and rough shares in the street; a boat is the folded respirator of three panels, KF94."""
WRONG: Final[dict[Wearing, float]] = {"below nose": 0.45, "below mouth": 0.3, "under chin": 0.25}
"""Wrong ways of wearing a mask and rough shares: the less wrong, the more often seen."""
PATTERNS: Final[dict[Pattern, float]] = {
    "plain": 0.36,
    "stripes": 0.13,
    "dots": 0.14,
    "checks": 0.12,
    "blotches": 0.15,
    "mark": 0.1,
}
"""Of cloth masks, and their shares; the others are plain."""
WIDTHS: Final[dict[Kind, float]] = {"surgical": 0.83, "cloth": 0.88, "kn95": 0.86, "boat": 0.9}
"""Half widths, face units: all end on the cheeks, well before the ears."""
PEAKS: Final[dict[Kind, float]] = {"surgical": 0.22, "cloth": 0.18, "kn95": 0.1, "boat": 0.26}
"""Half widths, face units, of the upper edge's level part over the nose; a fold down the middle makes it narrow."""

# As sold: blue, green, white, black, pink; white, black, grey, beige, blue-grey.
_SURGICAL: Final = ((0.55, 0.75, 0.88), (0.62, 0.83, 0.78), (0.93, 0.94, 0.95), (0.14, 0.14, 0.16), (0.9, 0.7, 0.75))
_RESPIRATOR: Final = (
    (0.95, 0.95, 0.94),
    (0.15, 0.15, 0.16),
    (0.72, 0.73, 0.75),
    (0.86, 0.8, 0.72),
    (0.45, 0.5, 0.6),
)


@dataclass(frozen=True)
class Mask:
    """One mask and how it is worn."""

    kind: Kind
    wearing: Wearing
    pattern: Pattern
    colour: Colour
    second: Colour
    width: float
    """Relative to an average mask."""
    lift: float
    """How much higher than usual it sits, face units."""
    tilt: float
    """Radians."""
    seed: int


class Edges(NamedTuple):
    """Where a mask begins and ends: y, face units."""

    top: float
    """In the middle."""
    ends: float
    """Of the upper edge, at the cheeks."""
    bottom: float
    """In the middle."""
    low_ends: float
    """Of the lower edge, at the jaw."""

    def lifted(self, lift: float) -> Edges:
        """Return the edges moved up."""
        return Edges(*(y - lift for y in self))


def sample_mask(rng: np.random.Generator, wearing: Wearing, kind: Kind | None = None) -> Mask:
    """Draw a mask for a way of wearing; the kind too unless given."""
    cut: Kind = pick(rng, KINDS) if kind is None else kind
    pattern: Pattern = "plain"
    if cut == "cloth":
        # Any colour, but very light and very dark ones most often, as in shops.
        shade = colour(rng.beta(0.9, 0.9) * 0.9 + 0.05 + rng.normal(0, 0.14, 3))
        pattern = pick(rng, PATTERNS)
    else:
        table = _SURGICAL if cut == "surgical" else _RESPIRATOR
        shade = colour(np.array(table[rng.integers(5)]) * rng.uniform(0.88, 1.05) + rng.normal(0, 0.015, 3))
    return Mask(
        kind=cut,
        wearing=wearing,
        pattern=pattern,
        colour=shade,
        second=colour(rng.random(3)),
        # Masks come in few sizes, and wider ones than 1.08 would stand off the cheeks.
        width=bounded(rng, 1.0, 0.04, 0.88, 1.08),
        # 2 mm and 2 degrees: not even a rightly worn mask sits exactly where it should.
        lift=rng.normal(0, 0.035),
        tilt=rng.normal(0, 0.03),
        seed=int(rng.integers(2**31)),
    )


def sample_masks(rng: np.random.Generator, count: int) -> list[Mask]:
    """Draw rightly worn masks of one person, of at least three kinds if there are that many masks."""
    kinds, order = list(KINDS), rng.permutation(len(KINDS))
    first = [sample_mask(rng, "right", kinds[order[number]]) for number in range(min(3, count))]
    masks = first + [sample_mask(rng, "right") for _ in range(count - len(first))]
    return [masks[number] for number in rng.permutation(count)]


def mask_edges(mask: Mask, face: Face) -> Edges:
    """Return where a mask of no lift begins and ends."""
    chin, tip, lips = face.chin, face.nose_tip, face.mouth_y
    # Right: from the bridge of the nose to below the chin. Each wrong way begins further down, and the mask bunches up
    # below, so that its lower edge moves less.
    return {
        "right": Edges(tip - 0.46, 0.36, chin + 0.1, 1.22),
        "below nose": Edges(tip + 0.1, 0.72, chin + 0.17, 1.34),
        "below mouth": Edges(lips + 0.2, 1.0, chin + 0.24, 1.45),
        "under chin": Edges(chin - 0.1, 1.2, chin + 0.42, 1.66),
    }[mask.wearing]


def mask_outline(mask: Mask, face: Face) -> Points:
    """Return the outline of a mask, face points (N, 3)."""
    top, ends, bottom, low_ends = mask_edges(mask, face).lifted(mask.lift)
    half, peak = WIDTHS[mask.kind] * mask.width, PEAKS[mask.kind]
    # Pulled close to the jaw; a mask that hangs lower is slacker.
    low = 0.9 * min(half, face.jaw) if mask.wearing == "right" else 0.92 * min(half, face.jaw + 0.03)
    sag = 0.35 * (ends - top)  # from the nose the edge falls to the cheek first, then runs to the ear
    right: list[Point] = [(peak, top + 0.02), (0.45, top + sag + 0.04), (half, ends)]
    if mask.kind == "kn95":  # a cup that comes to a point under the chin
        right += [(half * 0.98, 0.5 * (ends + low_ends)), (low * 0.8, low_ends + 0.12), (0.25, bottom - 0.03)]
    elif mask.kind == "boat":  # widest where its middle panel ends
        right += [(half + 0.03, 0.6 * ends + 0.4 * low_ends), (low * 0.72, low_ends + 0.2), (0.3, bottom)]
    else:  # a rectangle that bends around the face
        right += [(0.5 * (half + low) + 0.03, 0.5 * (ends + low_ends)), (low, low_ends), (0.42, bottom - 0.06)]
    line = curve([(0, top), *mirrored(right, (0, bottom))])
    cos, sin, middle = np.cos(mask.tilt), np.sin(mask.tilt), 0.5 * (top + bottom)
    x, y = line[:, 0], line[:, 1] - middle
    tilted = np.column_stack([cos * x - sin * y, sin * x + cos * y + middle])
    # 7 mm in front of the face; below y = 1.3, where the face recedes, it hangs straight down.
    return at_depth(tilted, surface(tilted[:, 0] * 0.95, np.minimum(tilted[:, 1], 1.3)) + 0.1)
