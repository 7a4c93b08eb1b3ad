"""How a mask looks: straps, shadow, the relief of its cloth, its colour and pattern."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portraits.canvas import Array, cloud
from portraits.easel import SIDES, Easel
from portraits.mask import Mask, mask_edges, mask_outline
from portraits.outline import arc
from portraits.person import Face
from portraits.relief import Bump, Relief, grid
from portraits.shot import Pose

DEPTH = 1.25
"""Of a mask's middle, face units: over the mouth, in front of the surface (1.05)."""
STRAP = (0.93, 0.93, 0.92)
"""Elastic is white, except on cloth masks and dark ones."""


def paint_mask(easel: Easel, mask: Mask, face: Face) -> None:
    """Paint a mask with straps and shadow."""
    outline = mask_outline(mask, face)
    _paint_straps(easel, mask, face)
    easel.shade(easel.area(outline, soft=0.045, drop=0.03), 0.72)  # the edge's shadow, as it stands off the face
    cover = easel.area(outline)
    u, v = easel.grid(cover)
    light = _relief(mask, face, easel.pose).lit(easel.light, u, v, shine=0.03)  # cloth is duller than skin
    easel.paint(cover, _colour(mask, face, easel.pose, u, v) * light[..., None])
    middle = len(outline) // 2
    for half in (outline[: middle + 1], outline[middle:]):  # the hem's stitches, 3 mm from the edge
        easel.shade(easel.line(half * (0.955, 1, 1), 0.022).inside(cover), 0.9)


def _paint_straps(easel: Easel, mask: Mask, face: Face) -> None:
    _, ends, _, low_ends = mask_edges(mask, face).lifted(mask.lift)
    elastic = mask.kind != "cloth" and sum(mask.colour) > 1
    colour = STRAP if elastic else np.asarray(mask.colour) * 0.85
    thick = 0.045 if mask.kind == "cloth" else 0.028  # 3 mm of cloth band, 2 mm of elastic
    for side in SIDES:
        for start, end in ((ends + 0.03, 0.02), (low_ends, 0.48)):  # to the upper and the lower end of the ear
            halfway = (side * 0.95, 0.5 * (start + end) - 0.02, 0.25)
            strap = arc((side * 0.78, start, 0.5), halfway, (side * 1.06, end, 0.0))
            easel.paint(easel.line(strap, thick), colour, 0.95)


def _relief(mask: Mask, face: Face, pose: Pose) -> Relief:
    """Return the shape of the cloth: the face below, smoothed, and folds."""
    top, _, bottom, _ = mask_edges(mask, face).lifted(mask.lift)
    middle, half = 0.5 * (top + bottom), 0.5 * (bottom - top)
    x, y = (float(c) for c in pose.turn([(0, middle, DEPTH)])[0])
    right = mask.wearing == "right"
    bumps = [Bump(x, y - 0.15 * half, 0.16 if right else 0.06, 0.45, half)]  # stretched it bulges, pulled down less
    if right:  # the nose pushes through
        nose = pose.turn([(0, face.nose_tip - 0.2, DEPTH)])[0]
        bumps.append(Bump(float(nose[0]), float(nose[1]), 0.1, 0.16, 0.3))
    relief = Relief(bumps, (0.4 * x, 0.0))
    u, v = grid()
    down = (v - y) / half  # -1 at the upper edge, 1 at the lower
    if mask.kind == "surgical":  # three pleats, which the side seams hold flat
        pleats = sum(np.exp(-(((down - c) / 0.07) ** 2)) * (down - c) for c in (-0.35, 0.0, 0.35))
        relief.add_slope(0.0, pleats * 14 * np.exp(-(((u - x) / 0.9) ** 4)))
    elif mask.kind == "kn95":  # a welded fold down the middle: steep and sharp
        relief.add_slope(-0.55 * np.tanh((u - x) / 0.03), 0.0)
    elif mask.kind == "boat":  # three panels, of which the upper and the lower one turn away
        relief.add_slope(0.0, 0.55 * np.tanh((-0.38 - down) / 0.04) - 0.45 * np.tanh((down - 0.5) / 0.04))
    else:  # a seam down the middle, softer than a weld
        relief.add_slope(-0.22 * np.tanh((u - x) / 0.05), 0.0)
    wrinkles = np.random.default_rng(mask.seed + 1)
    # Cloth is rougher than fleece; a mask without tension crumples.
    rough = (0.1 if mask.kind == "cloth" else 0.05) * (3.0 if mask.wearing in ("under chin", "below mouth") else 1.0)
    relief.add_slope(rough * cloud(wrinkles, (v.size, u.size), 9), rough * cloud(wrinkles, (v.size, u.size), 6))
    return relief


def _colour(mask: Mask, face: Face, pose: Pose, u: Array, v: Array) -> Array:
    """Return the mask's own colour, float32, (height, width, 3)."""
    rng = np.random.default_rng(mask.seed)
    base = np.full((*u.shape, 3), mask.colour, np.float32)
    top, _, bottom, _ = mask_edges(mask, face)
    x, y = pose.turn([(0, 0.5 * (top + bottom), DEPTH)])[0]
    size = rng.uniform(0.09, 0.22)  # of what repeats: 6 to 15 mm
    chosen = _pattern(mask, u - np.float32(x), v - np.float32(y), size, size * pose.scale, rng)
    if chosen is not None:
        base = np.where(chosen[..., None], np.asarray(mask.second, np.float32), base)
    weave = 0.015 if mask.kind != "cloth" else 0.03
    return np.asarray(base * (1 + weave * cloud(rng, u.shape, 2)[..., None]), np.float32)


def _pattern(
    mask: Mask, a: Array, b: Array, size: float, pixels: float, rng: np.random.Generator
) -> NDArray[np.bool_] | None:
    """Return where the second colour is, (height, width), or nothing for a plain mask.

    Args:
        mask: Its pattern is drawn.
        a: Local coordinates across the mask, from its middle, (height, width).
        b: The same downwards.
        size: Of what repeats, face units.
        pixels: The same in pixels.
        rng: For angles and places.
    """
    if mask.pattern == "stripes":  # at any angle; a little narrower than the gaps between them
        angle = rng.uniform(0, np.pi)
        return np.asarray(np.sin((a * np.cos(angle) + b * np.sin(angle)) * 2 * np.pi / size) > 0.2)
    if mask.pattern == "dots":  # every other row is shifted by half a step
        row = np.floor(b / size)
        away = np.hypot((a / size + 0.5 * (row % 2)) % 1 - 0.5, (b / size) % 1 - 0.5)
        return np.asarray(away < rng.uniform(0.18, 0.34))
    if mask.pattern == "checks":
        return np.asarray((np.floor(a / size) + np.floor(b / size)) % 2 > 0)
    if mask.pattern == "blotches":  # camouflage: a third of the cloth
        return np.asarray(cloud(rng, a.shape, pixels) > 0.35)
    if mask.pattern == "mark":  # a maker's label on one cheek, 19 x 8 mm
        cx, cy = rng.choice((-0.4, 0.4)), rng.uniform(-0.1, 0.25)
        return np.asarray((np.abs(a - cx) < 0.14) & (np.abs(b - cy) < 0.06))
    return None
