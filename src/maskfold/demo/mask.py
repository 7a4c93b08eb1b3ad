"""Face masks: their kinds and colours, and the ways of wearing them right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from maskfold.demo.canvas import Array, Canvas, Cover, Points, cloud, curve, moved, ribbon
from maskfold.demo.head import SIDES
from maskfold.demo.person import Colour, Face, colour
from maskfold.demo.relief import Bump, Relief, grid
from maskfold.demo.shot import Pose, Shot, surface

Kind = Literal["surgical", "cloth", "kn95", "boat"]
Pattern = Literal["plain", "stripes", "dots", "checks", "blotches", "mark"]
Wearing = Literal["right", "below nose", "below mouth", "under chin"]

KINDS: Final[tuple[Kind, ...]] = ("surgical", "cloth", "kn95", "boat")
WRONG: Final[tuple[Wearing, ...]] = ("below nose", "below mouth", "under chin")

_SURGICAL = ((0.55, 0.75, 0.88), (0.62, 0.83, 0.78), (0.93, 0.94, 0.95), (0.14, 0.14, 0.16), (0.9, 0.7, 0.75))
_RESPIRATOR = ((0.95, 0.95, 0.94), (0.15, 0.15, 0.16), (0.72, 0.73, 0.75), (0.86, 0.8, 0.72), (0.45, 0.5, 0.6))


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


def sample_mask(rng: np.random.Generator, wearing: Wearing, kind: Kind | None = None) -> Mask:
    """Draw a mask for a way of wearing; the kind too unless given."""
    kind = KINDS[rng.choice(4, p=(0.4, 0.26, 0.18, 0.16))] if kind is None else kind
    pattern: Pattern = "plain"
    if kind == "cloth":
        shade = colour(rng.beta(0.9, 0.9) * 0.9 + 0.05 + rng.normal(0, 0.14, 3))
        pattern = ("plain", "stripes", "dots", "checks", "blotches", "mark")[
            rng.choice(6, p=(0.36, 0.13, 0.14, 0.12, 0.15, 0.1))
        ]
    else:
        table = _SURGICAL if kind == "surgical" else _RESPIRATOR
        shade = colour(np.array(table[rng.integers(5)]) * rng.uniform(0.88, 1.05) + rng.normal(0, 0.015, 3))
    return Mask(
        kind=kind,
        wearing=wearing,
        pattern=pattern,
        colour=shade,
        second=colour(rng.random(3)),
        width=float(np.clip(rng.normal(1.0, 0.04), 0.88, 1.08)),
        lift=float(rng.normal(0, 0.035)),
        tilt=float(rng.normal(0, 0.03)),
        seed=int(rng.integers(2**31)),
    )


def sample_masks(rng: np.random.Generator, count: int) -> list[Mask]:
    """Draw rightly worn masks of one person; neighbours differ in kind."""
    order = list(rng.permutation(len(KINDS)))
    first = [sample_mask(rng, "right", KINDS[order[number]]) for number in range(min(3, count))]
    masks = first + [sample_mask(rng, "right") for _ in range(count - len(first))]
    return [masks[number] for number in rng.permutation(count)]


def _edges(mask: Mask, face: Face) -> tuple[float, float, float, float]:
    """Return y of: the top's middle, the top's ends, the bottom's middle, the bottom's ends."""
    chin, tip, lips = face.chin, face.nose_tip, face.mouth_y
    return {
        "right": (tip - 0.46, 0.36, chin + 0.1, 1.22),
        "below nose": (tip + 0.1, 0.72, chin + 0.17, 1.34),
        "below mouth": (lips + 0.2, 1.0, chin + 0.24, 1.45),
        "under chin": (chin - 0.1, 1.2, chin + 0.42, 1.66),
    }[mask.wearing]


def mask_outline(mask: Mask, face: Face) -> Points:
    """Return the outline of a mask, face points (N, 3)."""
    top, ends, bottom, low_ends = (y - mask.lift for y in _edges(mask, face))
    half = {"surgical": 0.83, "cloth": 0.88, "kn95": 0.86, "boat": 0.9}[mask.kind] * mask.width
    low = 0.9 * min(half, face.jaw) if mask.wearing == "right" else 0.92 * min(half, face.jaw + 0.03)
    sag = 0.35 * (ends - top)
    peak = {"surgical": 0.22, "cloth": 0.18, "kn95": 0.1, "boat": 0.26}[mask.kind]
    right = [(peak, top + 0.02), (0.45, top + sag + 0.04), (half, ends)]
    if mask.kind == "kn95":
        right += [(half * 0.98, 0.5 * (ends + low_ends)), (low * 0.8, low_ends + 0.12), (0.25, bottom - 0.03)]
    elif mask.kind == "boat":
        right += [(half + 0.03, 0.6 * ends + 0.4 * low_ends), (low * 0.72, low_ends + 0.2), (0.3, bottom)]
    else:
        right += [(0.5 * (half + low) + 0.03, 0.5 * (ends + low_ends)), (low, low_ends), (0.42, bottom - 0.06)]
    line = curve([(0, top), *right, (0, bottom), *[(-x, y) for x, y in reversed(right)]])
    cos, sin = np.cos(mask.tilt), np.sin(mask.tilt)
    middle = 0.5 * (top + bottom)
    tilted = np.column_stack(
        [cos * line[:, 0] - sin * (line[:, 1] - middle), sin * line[:, 0] + cos * (line[:, 1] - middle) + middle]
    )
    depth = surface(tilted[:, 0] * 0.95, np.minimum(tilted[:, 1], 1.3)) + 0.1
    return np.column_stack([tilted, depth])


def paint_mask(canvas: Canvas, mask: Mask, face: Face, shot: Shot) -> Cover:
    """Paint a mask with straps and shadow and return what it covers."""
    rng = np.random.default_rng(mask.seed)
    pose, scale = shot.pose, shot.pose.scale
    outline = mask_outline(mask, face)
    placed = pose.project(outline)
    _paint_straps(canvas, mask, face, shot)
    canvas.shade(canvas.cover(moved(placed, 0, 0.03 * scale), blur=0.045 * scale), 0.72)
    cover = canvas.cover(placed)
    u, v = pose.grid(cover.box)
    light = _relief(mask, face, pose).lit(shot.light, u, v, shine=0.03)
    canvas.paint(cover, _fabric(mask, face, pose, u, v, rng) * light[..., None])
    for band in (outline[: len(outline) // 2 + 1], outline[len(outline) // 2 :]):
        inner = band * (0.955, 1, 1) + (0, 0, 0)
        canvas.shade(canvas.cover(ribbon(pose.project(inner), 0.022 * scale)).inside(cover), 0.9)
    return cover


def _paint_straps(canvas: Canvas, mask: Mask, face: Face, shot: Shot) -> None:
    _, ends, _, low_ends = (y - mask.lift for y in _edges(mask, face))
    strap = (0.93, 0.93, 0.92) if mask.kind != "cloth" and sum(mask.colour) > 1 else np.asarray(mask.colour) * 0.85
    thick = (0.045 if mask.kind == "cloth" else 0.028) * shot.pose.scale
    for side in SIDES:
        for start, end in ((ends + 0.03, 0.02), (low_ends, 0.48)):
            line = np.array(
                [(side * 0.78, start, 0.5), (side * 0.95, 0.5 * (start + end) - 0.02, 0.25), (side * 1.06, end, 0.0)]
            )
            canvas.paint(canvas.cover(ribbon(shot.pose.project(curve(line, closed=False)), thick)), strap, 0.95)


def _relief(mask: Mask, face: Face, pose: Pose) -> Relief:
    """Return the shape of the cloth: the face below, smoothed, and folds."""
    top, _, bottom, _ = (y - mask.lift for y in _edges(mask, face))
    middle, half = 0.5 * (top + bottom), 0.5 * (bottom - top)
    x, y = (float(c) for c in pose.turn([(0, middle, 1.25)])[0])
    bumps = [Bump(x, y - 0.15 * half, 0.16 if mask.wearing == "right" else 0.06, 0.45, half)]
    if mask.wearing == "right":
        nose = pose.turn([(0, face.nose_tip - 0.2, 1.25)])[0]
        bumps.append(Bump(float(nose[0]), float(nose[1]), 0.1, 0.16, 0.3))
    relief = Relief(bumps, (0.4 * x, 0.0))
    u, v = grid()
    down = (v - y) / half
    if mask.kind == "surgical":
        pleats = sum(np.exp(-(((down - c) / 0.07) ** 2)) * (down - c) for c in (-0.35, 0.0, 0.35))
        relief.add_slope(0.0, np.asarray(pleats * 14 * np.exp(-(((u - x) / 0.9) ** 4)), np.float32))
    elif mask.kind == "kn95":
        relief.add_slope(np.asarray(-0.55 * np.tanh((u - x) / 0.03) + 0 * v, np.float32), 0.0)
    elif mask.kind == "boat":
        relief.add_slope(
            0.0,
            np.asarray(0.55 * np.tanh((-0.38 - down) / 0.04) - 0.45 * np.tanh((down - 0.5) / 0.04) + 0 * u, np.float32),
        )
    else:
        relief.add_slope(np.asarray(-0.22 * np.tanh((u - x) / 0.05) + 0 * v, np.float32), 0.0)
    wrinkles = np.random.default_rng(mask.seed + 1)
    rough = 0.1 if mask.kind == "cloth" else 0.05
    crumple = 3.0 if mask.wearing in ("under chin", "below mouth") else 1.0
    relief.add_slope(
        rough * crumple * cloud(wrinkles, v.size, u.size, 9), rough * crumple * cloud(wrinkles, v.size, u.size, 6)
    )
    return relief


def _fabric(mask: Mask, face: Face, pose: Pose, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return the mask's own colour, float32, (height, width, 3)."""
    height, width = u.shape
    base = np.asarray(mask.colour, np.float32) * np.ones((height, width, 1), np.float32)
    top, _, bottom, _ = _edges(mask, face)
    x, y = pose.turn([(0, 0.5 * (top + bottom), 1.25)])[0]
    a, b = u - np.float32(x), v - np.float32(y)
    size = rng.uniform(0.09, 0.22)
    chosen: NDArray[np.bool_] | None = None
    if mask.pattern == "stripes":
        angle = rng.uniform(0, np.pi)
        chosen = np.sin((a * np.cos(angle) + b * np.sin(angle)) * 2 * np.pi / size) > 0.2
    elif mask.pattern == "dots":
        row = np.floor(b / size)
        chosen = np.hypot((a / size + 0.5 * (row % 2)) % 1 - 0.5, (b / size) % 1 - 0.5) < rng.uniform(0.18, 0.34)
    elif mask.pattern == "checks":
        chosen = (np.floor(a / size) + np.floor(b / size)) % 2 > 0
    elif mask.pattern == "blotches":
        chosen = cloud(rng, height, width, size * pose.scale) > 0.35
    elif mask.pattern == "mark":
        cx, cy = rng.choice((-0.4, 0.4)), rng.uniform(-0.1, 0.25)
        chosen = (np.abs(a - cx) < 0.14) & (np.abs(b - cy) < 0.06)
    if chosen is not None:
        base = np.where(chosen[..., None], np.asarray(mask.second, np.float32), base)
    weave = 0.015 if mask.kind != "cloth" else 0.03
    return np.asarray(base * (1 + weave * cloud(rng, height, width, 2)[..., None]), np.float32)
