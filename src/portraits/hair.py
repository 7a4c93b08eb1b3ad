"""Hair: what falls behind the head, the cap on it, and what hangs beside the face."""

from __future__ import annotations

from typing import Final

import numpy as np

from portraits.canvas import Array, cloud
from portraits.easel import SIDES, Easel
from portraits.head import CROWN
from portraits.outline import Point, Points, arc, curve, ellipse, mirrored
from portraits.person import Hair
from portraits.relief import Relief

HANGING: Final = ("long", "bob")
"""Styles that hang beside the face and behind the neck."""
CROPPED: Final = ("short", "parted", "buzz")
"""Styles that leave the ears free."""
HEAD_OF_HAIR: Final = (1.5, 2.2)
"""Half width and half height, face units, of the ellipsoid that lights hair: a head with its hair around it."""
FEATHERED: Final = 0.05
"""Blur, face units, of the edge of cropped hair, where skin shows through."""


def paint_hair_behind(easel: Easel, hair: Hair, rng: np.random.Generator) -> None:
    """Paint the hair that head, neck and clothes hide in part; it is in their shade, so it is dimmer."""
    v = hair.volume
    if hair.style in HANGING:
        width = 1.1 + 0.9 * v
        # A bob is cut blunt and stands out; long hair is pulled down by its weight.
        flare = width + (0.12 if hair.style == "bob" else 0.05) + 0.15 * hair.wave
        right = [
            (0.7, -1.42 - 0.6 * v),
            (width, -0.7),
            (width + 0.05, 0.2),
            (flare, hair.length * 0.6),
            (flare - 0.05, hair.length - 0.1),
            (flare - 0.35, hair.length),
        ]
        _paint(easel, hair, curve([(0, CROWN - v), *mirrored(right)]), 0.0, 1.0, rng, dim=0.62)
    elif hair.style == "tied":  # a knot on the crown or a tail over one shoulder
        knot = ellipse(hair.parting * 0.8, -1.72 - v, 0.38, 0.36)
        tail = curve([(0.8, 0.2), (1.05, 0.9), (0.95, 1.9), (0.6, 2.4), (0.5, 1.2)]) * (np.sign(hair.parting), 1)
        _paint(easel, hair, knot if hair.wave < 0.5 else tail, 0.0, 1.0, rng, dim=0.8)


def paint_hair_on_top(easel: Easel, hair: Hair, rng: np.random.Generator) -> None:
    """Paint the hair that hides forehead, temples or ears."""
    if hair.style == "bald":  # what stays above the ears
        for side in SIDES:
            patch = [(1.02, 0.15), (1.12, -0.3), (1.06, -0.85), (0.92, -0.95), (0.9, -0.5), (0.92, -0.1)]
            _paint(easel, hair, curve(patch) * (side, 1), 0.3, 0.85, rng, soft=FEATHERED)
        return
    if hair.style == "buzz":  # 2 mm, through which the scalp shows
        _paint(easel, hair, _cap(hair, rng, volume=0.03), 0.35, 0.72, rng, soft=FEATHERED)
        return
    # Hair is in front of the outline (depth 0.3), and the more so the further it hangs into the face.
    cap = _cap(hair, rng, volume=hair.volume)
    easel.shade(easel.area(cap, depth=0.4, soft=0.05, drop=0.06), 0.8)
    _paint(easel, hair, cap, 0.4, 1.0, rng, soft=0.016)
    if hair.style in HANGING:
        for side in SIDES:
            _paint(easel, hair, _curtain(hair, side), 0.45, 1.0, rng, soft=0.014)


def _cap(hair: Hair, rng: np.random.Generator, volume: float) -> Points:
    """Return the outline of the hair on the skull, face points (N, 2)."""
    v, r, close = volume, hair.recession, hair.style in CROPPED
    side = 0.25 * v if close or hair.style == "tied" else 0.7 * v  # cut or pulled close at the sides
    low = 0.22 if close else 0.05  # sideburns, down to the middle of the ears
    outer: list[Point] = [
        (1.01, low),
        (1.04 + side, -0.3),
        (1.02 + 1.2 * side, -0.85),
        (0.68 + 0.5 * v, -1.38 - 0.6 * v),
    ]
    lean = 0.12 * np.sign(hair.parting) if hair.style in ("parted", "short") else 0.0  # combed over, it is higher there
    temple: list[Point] = [(0.93, low), (0.93, -0.22), (0.87 - 0.12 * r, -0.55 - 0.3 * r)]
    inner = mirrored(((-x, y) for x, y in temple), *reversed(_hairline(hair, rng)))
    return np.vstack([arc(*mirrored(outer, (-lean, -1.65 - v))), arc(*inner)])


def _hairline(hair: Hair, rng: np.random.Generator) -> list[Point]:
    """Return nine points along the forehead, face points, from the picture's right to its left."""
    x = np.linspace(0.74, -0.74, 9)
    y = np.full(9, hair.hairline) + 0.1 * (np.abs(x) / 0.74) ** 2  # lower at the temples
    y -= 0.28 * hair.recession * np.exp(-(((np.abs(x) - 0.5) / 0.2) ** 2))  # receding, it leaves a peak in the middle
    if hair.fringe:
        # A fringe opens at the parting, except a bob's, which is cut straight; strands end unevenly.
        fall = np.clip(np.abs(x - hair.parting) / 0.5, 0.2, 1) if hair.style != "bob" else np.ones(9)
        y += hair.fringe * fall + rng.normal(0, 0.03, 9)
    elif hair.style in ("parted", *HANGING):  # falls to both sides of the parting
        y += 0.2 * np.clip(np.abs(x - hair.parting) - 0.15, 0, 0.8) ** 1.2
    y += rng.normal(0, 0.01, 9)  # no hairline is a smooth curve
    return list(zip(x, y, strict=True))


def _curtain(hair: Hair, side: float) -> Points:
    """Return the outline of the hair beside one half of the face, face points (N, 2)."""
    v, w, end = hair.volume, 0.1 * hair.wave, hair.length
    near = 0.86 if side * hair.parting < 0 else 0.9  # the fuller side, away from the parting, covers more of the cheek
    inner = [
        (0.5, -1.15),
        (near - 0.04, -0.6),
        (near + 0.02, -0.1),
        (near, 0.4),
        (near + w, 0.8),
        (near + 0.04 - w, end * 0.7),
    ]
    outer = [
        (near + 0.15, end),
        (1.12 + v, end * 0.85),
        (1.14 + v + w, 0.6),
        (1.1 + 0.8 * v, 0.0),
        (1.06 + 0.7 * v, -0.7),
        (0.75, -1.3),
    ]
    return curve([*inner, *outer]) * (side, 1)


def _paint(
    easel: Easel,
    hair: Hair,
    outline: Points,
    depth: float,
    strength: float,
    rng: np.random.Generator,
    soft: float = 0.012,
    dim: float = 1.0,
) -> None:
    cover = easel.area(outline, depth=depth, soft=soft, least=0.5)  # half a pixel: hair has no hard edge
    u, v = easel.grid(cover)
    tone = _strands(hair, u, v, rng) * Relief([], radii=HEAD_OF_HAIR).lit(easel.light, u, v) * dim
    # The band of gloss around a head, where the skull turns from upright to level; only on strands that catch light.
    gloss = hair.gloss * np.exp(-(((v + 1.15 - 0.25 * u**2) / 0.16) ** 2)) * (tone - 0.4)
    easel.paint(cover, np.asarray(hair.colour) * tone[..., None] + 0.16 * np.clip(gloss, 0, 1)[..., None], strength)


def _strands(hair: Hair, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return the lightness of strands that fan out from the parting and fall along the head."""
    # Above y = -0.3 strands fan out from a point above the crown, below they hang; 1.9 nearly joins the two there.
    across = np.where(v < -0.3, np.arctan2(u - hair.parting * np.clip(-v - 0.3, 0, 1), np.abs(v + 2.4)) * 1.9, u)
    across = across + 0.06 * hair.wave * np.sin(3.2 * v + 2 * u) + 0.02 * cloud(rng, u.shape, 20)
    # 400 strands over six face units, one a pixel, and locks of nine: single hairs are too thin for a camera.
    positions = np.linspace(-3, 3, 400)
    fine, broad = rng.standard_normal(400), rng.standard_normal(400)
    broad = np.convolve(broad, np.ones(9) / 3, "same")  # over the root of nine, which keeps the spread
    return np.asarray(
        0.95 + 0.16 * np.interp(across, positions, fine) + 0.12 * np.interp(across, positions, broad), np.float32
    )
