"""Skin: the head's outline and relief, ears, cheeks, beard and the marks that age leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from maskfold.demo.canvas import Array, Canvas, Cover, Points, cloud, curve, ellipse, ribbon
from maskfold.demo.person import Face
from maskfold.demo.relief import Bump, Relief
from maskfold.demo.shot import Pose, Shot, surface

SIDES = (-1.0, 1.0)


def face_outline(face: Face) -> Points:
    """Return the outline of the head without hair, face points (N, 3)."""
    jowl = 0.05 * face.jowls
    right = [
        (0.52, -1.52),
        (0.86, -1.12),
        (0.97, -0.55),
        (face.cheek, 0.0),
        (face.cheek - 0.03, 0.42),
        (0.5 * (face.cheek + face.jaw) + 0.04, 0.82),
        (face.jaw + jowl, 1.14 + 0.3 * jowl),
        (0.5 * (face.jaw + face.chin_width) + 0.02 + jowl, face.chin - 0.2),
        (face.chin_width, face.chin - 0.05),
    ]
    left = [(-x, y) for x, y in reversed(right)]
    line = curve([(0, -1.64), *right, (0, face.chin), *left])
    return np.column_stack([line, np.full(len(line), 0.3)])


def face_relief(face: Face, pose: Pose) -> Relief:
    """Return the relief of a bare face."""
    smooth = 1 - 0.35 * face.wrinkles
    n = face.nose_height
    tip = face.nose_tip - 0.1
    shapes: list[tuple[float, float, float, float, float]] = [
        (0, -0.42, 0.05, 0.75, 0.16),
        (0, 0.12, 0.42 * n, 0.15, 0.42),
        (0, tip, 0.85 * n, 0.18, 0.17),
        (0, face.mouth_y, 0.09, 0.36, 0.22),
        (0, face.mouth_y - 0.08, 0.03, 0.2, 0.05),
        (0, face.mouth_y + 0.09, 0.045 * face.lips, 0.2, 0.06),
        (0, face.mouth_y + 0.2, -0.05, 0.22, 0.06),
        (0, face.chin - 0.22, 0.1, 0.24, 0.15),
        (0, 0.82, -0.025, 0.05, 0.1),
        (0, -0.9, 0.04, 0.6, 0.3),
    ]
    for side in SIDES:
        shapes += [
            (side * face.eye_distance, 0.0, -0.13, 0.27, 0.17),
            (side * face.eye_distance, 0.01, 0.09, 0.17, 0.1),
            (side * 0.5, -0.3, 0.045, 0.3, 0.09),
            (side * 0.62, 0.48, 0.1 * smooth + 0.03, 0.3, 0.24),
            (side * face.nose_width * 0.8, face.nose_tip - 0.08, 0.22 * n, 0.1, 0.1),
            (side * 0.86, -0.42, -0.05, 0.15, 0.3),
            (side * 0.72, 0.95, -0.07 * smooth, 0.18, 0.25),
            (side * 0.62, 1.22, 0.07 * face.jowls, 0.16, 0.16),
            (side * 0.4, 0.27, 0.03 * face.bags, 0.17, 0.06),
        ]
    raised = [(x, y, float(surface(x, y)) + max(height, 0.0)) for x, y, height, _, _ in shapes]
    turned = pose.turn(raised)
    bumps = [Bump(u, v, *shape[2:]) for (u, v), shape in zip(turned, shapes, strict=True)]
    shift = pose.turn([(0, 0, 0.2)])[0]
    return Relief(bumps, (float(shift[0]), float(shift[1])))


def paint_ears(canvas: Canvas, face: Face, shot: Shot) -> None:
    """Paint the ears; the head hides their inner halves."""
    for side in SIDES:
        turned_away = 1 - 1.6 * side * shot.pose.yaw
        x = side * (face.cheek + 0.02)
        outline = ellipse(x, 0.22, 0.13 * turned_away, 0.3)
        outline[:, 0] += side * 0.06 * -(outline[:, 1] - 0.22)
        bent = np.column_stack([outline, np.full(len(outline), 0.0)])
        cover = canvas.cover(shot.pose.project(bent))
        light = shot.light.ambient + (1 - shot.light.ambient) * (0.55 + 0.35 * side * shot.light.direction[0])
        canvas.paint(cover, np.asarray(face.skin) * (0.99, 0.88, 0.85) * light)
        hollow = np.column_stack([ellipse(x + side * 0.02, 0.22, 0.06, 0.17), np.full(28, 0.0)])
        canvas.shade(canvas.cover(shot.pose.project(hollow), blur=0.03 * shot.pose.scale), (0.72, 0.64, 0.62))


def paint_skin(canvas: Canvas, face: Face, shot: Shot, rng: np.random.Generator) -> Cover:
    """Paint the head's skin with its light and return what it covers."""
    cover = canvas.cover(shot.pose.project(face_outline(face)))
    u, v = shot.pose.grid(cover.box)
    light = face_relief(face, shot.pose).lit(shot.light, u, v, shine=0.1)
    canvas.paint(cover, skin_colour(face, shot.pose, u, v, rng) * light[..., None])
    return cover


def skin_colour(face: Face, pose: Pose, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return the skin's own colour at local coordinates, float32, (height, width, 3)."""
    height, width = u.shape
    mottling = cloud(rng, height, width, 5) * (0.012 + 0.012 * face.wrinkles) + cloud(rng, height, width, 30) * 0.018
    colour = np.asarray(face.skin, np.float32) * (1 + mottling[..., None])
    flush = np.zeros_like(u)
    tip = pose.turn([(0, face.nose_tip - 0.1, 1.1), (0.58, 0.5, 0.75), (-0.58, 0.5, 0.75)])
    for (x, y), strength in zip(tip, (0.35, face.blush, face.blush), strict=True):
        flush += strength * np.exp(-(((u - x) / 0.26) ** 2) - ((v - y) / 0.22) ** 2)
    return np.asarray(colour * (1 - flush[..., None] * np.array((0.0, 0.12, 0.1), np.float32)), np.float32)


def paint_beard(canvas: Canvas, face: Face, shot: Shot, head: Cover, rng: np.random.Generator) -> None:
    """Paint stubble, moustache or beard."""
    if face.beard == "none":
        return
    m, w = face.mouth_y, face.mouth_width
    moustache = [
        (-w - 0.04, m + 0.02),
        (-0.3, m - 0.17),
        (0, m - 0.2),
        (0.3, m - 0.17),
        (w + 0.04, m + 0.02),
        (0, m - 0.04),
    ]
    goatee = [
        (-w - 0.06, m - 0.02),
        (-w, m + 0.3),
        (-0.3, face.chin),
        (0, face.chin + 0.06),
        (0.3, face.chin),
        (w, m + 0.3),
    ]
    goatee += [(w + 0.06, m - 0.02), (w - 0.06, m + 0.06), (0.16, m + 0.17), (-0.16, m + 0.17), (-w + 0.06, m + 0.06)]
    jaw = [(-1.0, 0.25), (-1.0, 0.9), (-0.82, 1.3), (-0.4, 1.75), (0, 1.8), (0.4, 1.75), (0.82, 1.3), (1.0, 0.9)]
    jaw += [(1.0, 0.25), (0.9, 0.5), (0.74, 0.88), (w + 0.08, m - 0.02), (0.2, m + 0.16), (-0.2, m + 0.16)]
    jaw += [(-w - 0.08, m - 0.02), (-0.74, 0.88), (-0.9, 0.5)]
    shapes = {
        "stubble": [moustache, jaw],
        "moustache": [moustache],
        "goatee": [moustache, goatee],
        "full": [moustache, jaw],
    }[face.beard]
    strength = {"stubble": 0.33, "moustache": 0.85, "goatee": 0.8, "full": 0.88}[face.beard]
    soft = (0.09 if face.beard == "stubble" else 0.035) * shot.pose.scale
    cover = canvas.cover(*(shot.pose.project(curve(shape)) for shape in shapes), blur=soft).inside(head)
    height, width = cover.alpha.shape
    strands = 1 + 0.09 * cloud(rng, height, width, 2) + 0.08 * cloud(rng, height, width, 9)
    u, v = shot.pose.grid(cover.box)
    light = face_relief(face, shot.pose).lit(shot.light, u, v)
    ragged = Cover(cover.box, np.clip(cover.alpha * (1 + 0.16 * cloud(rng, height, width, 2)), 0, 1))
    canvas.paint(ragged, np.asarray(face.beard_colour) * (strands * light)[..., None] * 1.1, strength)


def paint_age(canvas: Canvas, face: Face, shot: Shot) -> None:
    """Paint wrinkles, bags under the eyes and age spots."""
    rng = np.random.default_rng(face.seed)
    depth = face.wrinkles
    for row in range(4):
        y, half = -0.83 + 0.12 * row + rng.normal(0, 0.015), rng.uniform(0.35, 0.6)
        x = np.linspace(-half, half, 7) + rng.normal(0, 0.05)
        crease(
            canvas,
            shot,
            np.column_stack([x, y + rng.normal(0, 0.012, 7)]),
            (0, 0.03, 0),
            0.85 * depth * rng.uniform(0.5, 1),
        )
    for side in SIDES:
        wing, corner = side * (face.nose_width + 0.06), side * (face.mouth_width + 0.14)
        fold = curve([(wing, face.nose_tip - 0.08), (side * 0.47, 0.86), (corner, face.mouth_y + 0.02)], closed=False)
        crease(canvas, shot, fold, (0.02, 0.06, 0.02), 0.16 + 0.75 * depth + 0.15 * max(shot.expression.smile, 0))
        low = [
            (side * (face.mouth_width + 0.04), face.mouth_y + 0.05),
            (side * (face.mouth_width + 0.1), face.mouth_y + 0.28),
        ]
        crease(canvas, shot, curve(low, closed=False), (0.02, 0.05, 0), 0.8 * max(depth - 0.2, 0))
        eye = side * face.eye_distance
        bag = curve([(eye - side * 0.17, 0.14), (eye, 0.22), (eye + side * 0.2, 0.15)], closed=False)
        crease(canvas, shot, bag, (0.02, 0.06, 0.01), 0.2 + 0.6 * face.bags)
        for ray in range(3):
            start = np.array((eye + side * (face.eye_width + 0.05), -0.05 + 0.06 * ray))
            end = start + np.array((side * rng.uniform(0.12, 0.2), (ray - 1.1) * 0.07))
            crease(canvas, shot, np.linspace(start, end, 5), (0.03, 0.02, 0), 0.85 * depth * rng.uniform(0.5, 1))
        crease(canvas, shot, np.array([(side * 0.08, -0.42), (side * 0.07, -0.25)]), (0, 0.025, 0), 0.7 * depth)
    scale = shot.pose.scale
    for _ in range(int(9 * face.spots)):
        left, down, r = rng.uniform(-0.8, 0.8), rng.uniform(-0.9, 1.2), rng.uniform(0.012, 0.035)
        canvas.shade(
            canvas.cover(shot.pose.project(ellipse(left, down, r, r, 12)), blur=0.012 * scale), (0.8, 0.7, 0.62)
        )


def crease(canvas: Canvas, shot: Shot, line: ArrayLike, widths: Sequence[float], strength: float) -> None:
    """Darken the skin along a line of face points; widths in face units."""
    if strength < 0.04:
        return
    scale = shot.pose.scale
    points = np.asarray(line, np.float64)
    if len(points) < 4:
        points = curve(points, closed=False)
    outline = ribbon(shot.pose.project(points), [max(width * scale, 0.6) for width in widths])
    tone = 1 - min(strength, 1.0) * np.array((0.36, 0.44, 0.46))
    canvas.shade(canvas.cover(outline, blur=0.012 * scale), tone)
