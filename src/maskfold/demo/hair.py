"""Hair: what falls behind the head, the cap on it, and what hangs beside the face."""

from __future__ import annotations

import numpy as np

from maskfold.demo.canvas import Array, Canvas, Points, cloud, curve, ellipse, moved
from maskfold.demo.head import SIDES
from maskfold.demo.person import Hair
from maskfold.demo.relief import Relief
from maskfold.demo.shot import Shot


def paint_hair_behind(canvas: Canvas, hair: Hair, shot: Shot, rng: np.random.Generator) -> None:
    """Paint the hair that head, neck and clothes hide in part."""
    v = hair.volume
    if hair.style in ("long", "bob"):
        width = 1.1 + 0.9 * v
        flare = width + (0.12 if hair.style == "bob" else 0.05) + 0.15 * hair.wave
        right = [(width, -0.7), (width + 0.05, 0.2), (flare, hair.length * 0.6), (flare - 0.05, hair.length - 0.1)]
        right.append((flare - 0.35, hair.length))
        outline = [
            (0, -1.64 - v),
            (0.7, -1.42 - 0.6 * v),
            *right,
            *[(-x, y) for x, y in reversed(right)],
            (-0.7, -1.42 - 0.6 * v),
        ]
        _paint(canvas, hair, shot, _flat(curve(outline), 0.0), 1.0, rng, dim=0.62)
    elif hair.style == "tied":
        knot = ellipse(hair.parting * 0.8, -1.72 - v, 0.38, 0.36)
        tail = curve([(0.8, 0.2), (1.05, 0.9), (0.95, 1.9), (0.6, 2.4), (0.5, 1.2)]) * (np.sign(hair.parting), 1)
        _paint(canvas, hair, shot, _flat(knot if hair.wave < 0.5 else tail, 0.0), 1.0, rng, dim=0.8)


def paint_hair_on_top(canvas: Canvas, hair: Hair, shot: Shot, rng: np.random.Generator) -> None:
    """Paint the hair that hides forehead, temples or ears."""
    if hair.style == "bald":
        for side in SIDES:
            patch = [(1.02, 0.15), (1.12, -0.3), (1.06, -0.85), (0.92, -0.95), (0.9, -0.5), (0.92, -0.1)]
            _paint(canvas, hair, shot, _flat(curve(patch) * (side, 1), 0.3), 0.85, rng, soft=0.05)
        return
    if hair.style == "buzz":
        _paint(canvas, hair, shot, _flat(_cap(hair, rng, volume=0.03), 0.35), 0.72, rng, soft=0.05)
        return
    cap = _flat(_cap(hair, rng, volume=hair.volume), 0.4)
    shadow = canvas.cover(moved(shot.pose.project(cap), 0, 0.06 * shot.pose.scale), blur=0.05 * shot.pose.scale)
    canvas.shade(shadow, 0.8)
    _paint(canvas, hair, shot, cap, 1.0, rng, soft=0.016)
    if hair.style in ("long", "bob"):
        for side in SIDES:
            _paint(canvas, hair, shot, _flat(_curtain(hair, side), 0.45), 1.0, rng, soft=0.014)


def _flat(line: Points, depth: float) -> Points:
    return np.column_stack([line, np.full(len(line), depth)])


def _cap(hair: Hair, rng: np.random.Generator, volume: float) -> Points:
    """Return the outline of the hair on the skull, face points (N, 2)."""
    v, r = volume, hair.recession
    side = 0.25 * v if hair.style in ("short", "parted", "buzz", "tied") else 0.7 * v
    low = 0.22 if hair.style in ("short", "parted", "buzz") else 0.05
    outer = [(1.01, low), (1.04 + side, -0.3), (1.02 + 1.2 * side, -0.85), (0.68 + 0.5 * v, -1.38 - 0.6 * v)]
    lean = 0.12 * np.sign(hair.parting) if hair.style in ("parted", "short") else 0.0
    top = [(x, y) for x, y in outer] + [(-lean, -1.65 - v)] + [(-x, y) for x, y in reversed(outer)]
    temple = [(0.93, low), (0.93, -0.22), (0.87 - 0.12 * r, -0.55 - 0.3 * r)]
    x = np.linspace(0.74, -0.74, 9)
    y = np.full(9, hair.hairline) + 0.1 * (np.abs(x) / 0.74) ** 2
    y -= 0.28 * r * np.exp(-(((np.abs(x) - 0.5) / 0.2) ** 2))
    if hair.fringe:
        fall = np.clip(np.abs(x - hair.parting) / 0.5, 0.2, 1) if hair.style != "bob" else np.ones(9)
        y += hair.fringe * fall + rng.normal(0, 0.03, 9)
    elif hair.style in ("parted", "long", "bob"):
        y += 0.2 * np.clip(np.abs(x - hair.parting) - 0.15, 0, 0.8) ** 1.2
    y += rng.normal(0, 0.01, 9)
    hairline = list(zip(x, y, strict=True))
    inner = [*((-a, b) for a, b in temple), *reversed(hairline), *reversed(temple)]
    return np.vstack([curve(top, closed=False), curve(inner, closed=False)])


def _curtain(hair: Hair, side: float) -> Points:
    """Return the outline of the hair beside one half of the face, face points (N, 2)."""
    v, w, end = hair.volume, 0.1 * hair.wave, hair.length
    near = 0.86 if side * hair.parting < 0 else 0.9
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
    canvas: Canvas,
    hair: Hair,
    shot: Shot,
    outline: Points,
    strength: float,
    rng: np.random.Generator,
    soft: float = 0.012,
    dim: float = 1.0,
) -> None:
    cover = canvas.cover(shot.pose.project(outline), blur=max(soft * shot.pose.scale, 0.5))
    u, v = shot.pose.grid(cover.box)
    light = Relief([], radii=(1.5, 2.2)).lit(shot.light, u, v)
    tone = _strands(hair, u, v, rng) * light * dim
    gloss = hair.gloss * np.exp(-(((v + 1.15 - 0.25 * u**2) / 0.16) ** 2)) * (tone - 0.4)
    canvas.paint(cover, np.asarray(hair.colour) * tone[..., None] + 0.16 * np.clip(gloss, 0, 1)[..., None], strength)


def _strands(hair: Hair, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return the lightness of strands that fan out from the parting and fall along the head."""
    across = np.where(v < -0.3, np.arctan2(u - hair.parting * np.clip(-v - 0.3, 0, 1), np.abs(v + 2.4)) * 1.9, u)
    across = across + 0.06 * hair.wave * np.sin(3.2 * v + 2 * u) + 0.02 * cloud(rng, u.shape[0], u.shape[1], 20)
    positions = np.linspace(-3, 3, 400)
    fine, broad = rng.standard_normal(400), rng.standard_normal(400)
    broad = np.convolve(broad, np.ones(9) / 3, "same")
    return np.asarray(
        0.95 + 0.16 * np.interp(across, positions, fine) + 0.12 * np.interp(across, positions, broad), np.float32
    )
