"""The head: its outline and relief, its skin, its ears."""

from __future__ import annotations

import numpy as np

from portraits.canvas import Array, Cover, cloud
from portraits.easel import SIDES, Easel
from portraits.outline import Points, at_depth, curve, ellipse, mirrored
from portraits.person import Face
from portraits.relief import Bump, Relief
from portraits.shot import Pose, surface

CROWN = -1.64
"""y of the head's top, face units: eyes are halfway between crown and chin."""


def face_outline(face: Face) -> Points:
    """Return the outline of the head without hair, face points (N, 3)."""
    jowl = 0.05 * face.jowls
    right = [
        (0.52, -1.52),  # skull
        (0.86, -1.12),
        (0.97, -0.55),  # temple
        (face.cheek, 0.0),
        (face.cheek - 0.03, 0.42),
        (0.5 * (face.cheek + face.jaw) + 0.04, 0.82),
        (face.jaw + jowl, 1.14 + 0.3 * jowl),
        (0.5 * (face.jaw + face.chin_width) + 0.02 + jowl, face.chin - 0.2),
        (face.chin_width, face.chin - 0.05),
    ]
    # Halfway between ears and cheeks in depth, so that a turn moves it less than the features.
    return at_depth(curve([(0, CROWN), *mirrored(right, (0, face.chin))]), 0.3)


def face_relief(face: Face, pose: Pose) -> Relief:
    """Return the relief of a bare face."""
    smooth = 1 - 0.35 * face.wrinkles  # fat below the skin, which fills cheeks, dwindles with age
    n = face.nose_height
    # x, y, height (a hollow if negative), width and length of each shape, face units.
    shapes: list[tuple[float, float, float, float, float]] = [
        (0, -0.42, 0.05, 0.75, 0.16),  # ridge of the brows
        (0, 0.12, 0.42 * n, 0.15, 0.42),  # bridge of the nose
        (0, face.nose_tip - 0.1, 0.85 * n, 0.18, 0.17),  # its tip
        (0, face.mouth_y, 0.09, 0.36, 0.22),  # the teeth's arch below the lips
        (0, face.mouth_y - 0.08, 0.03, 0.2, 0.05),  # upper lip
        (0, face.mouth_y + 0.09, 0.045 * face.lips, 0.2, 0.06),  # lower lip
        (0, face.mouth_y + 0.2, -0.05, 0.22, 0.06),  # hollow between lip and chin
        (0, face.chin - 0.22, 0.1, 0.24, 0.15),  # chin
        (0, 0.82, -0.025, 0.05, 0.1),  # groove from nose to lip
        (0, -0.9, 0.04, 0.6, 0.3),  # forehead
    ]
    for side in SIDES:
        shapes += [
            (side * face.eye_distance, 0.0, -0.13, 0.27, 0.17),  # socket
            (side * face.eye_distance, 0.01, 0.09, 0.17, 0.1),  # eyeball in it
            (side * 0.5, -0.3, 0.045, 0.3, 0.09),  # bone above the eye
            (side * 0.62, 0.48, 0.1 * smooth + 0.03, 0.3, 0.24),  # cheekbone
            (side * face.nose_width * 0.8, face.nose_tip - 0.08, 0.22 * n, 0.1, 0.1),  # wing of the nose
            (side * 0.86, -0.42, -0.05, 0.15, 0.3),  # temple
            (side * 0.72, 0.95, -0.07 * smooth, 0.18, 0.25),  # hollow below the cheekbone
            (side * 0.62, 1.22, 0.07 * face.jowls, 0.16, 0.16),  # jowl
            (side * 0.4, 0.27, 0.03 * face.bags, 0.17, 0.06),  # bag under the eye
        ]
    raised = [(x, y, float(surface(x, y)) + max(height, 0.0)) for x, y, height, _, _ in shapes]
    bumps = [Bump(u, v, *shape[2:]) for (u, v), shape in zip(pose.turn(raised), shapes, strict=True)]
    shift = pose.turn([(0, 0, 0.2)])[0]  # behind the axis, it moves against the turn
    return Relief(bumps, (float(shift[0]), float(shift[1])))


def paint_ears(easel: Easel, face: Face) -> None:
    """Paint the ears, between the heights of eyes and nose; the head hides their inner halves."""
    for side in SIDES:
        x = side * (face.cheek + 0.02)
        # The ear on the side that the head turns to disappears behind the cheek.
        outline = ellipse(x, 0.22, 0.13 * (1 - 1.6 * side * easel.pose.yaw), 0.3)
        outline[:, 0] += side * 0.06 * -(outline[:, 1] - 0.22)  # the upper end stands out, the lobe is close
        # Ears face sideways: half of the frontal light, more where it comes from their side.
        light = easel.light.on(0.55 + 0.35 * side * easel.light.direction[0])
        easel.paint(easel.area(outline, depth=0.0), np.asarray(face.skin) * (0.99, 0.88, 0.85) * light)  # thin: redder
        hollow = ellipse(x + side * 0.02, 0.22, 0.06, 0.17)
        easel.shade(easel.area(hollow, depth=0.0, soft=0.03), (0.72, 0.64, 0.62))


def paint_skin(easel: Easel, face: Face, rng: np.random.Generator) -> Cover:
    """Paint the head's skin with its light and return what it covers."""
    cover = easel.area(face_outline(face))
    u, v = easel.grid(cover)
    light = face_relief(face, easel.pose).lit(easel.light, u, v, shine=0.1)  # a film of sebum, no more
    easel.paint(cover, _skin_colour(face, easel.pose, u, v, rng) * light[..., None])
    return cover


def _skin_colour(face: Face, pose: Pose, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return the skin's own colour at local coordinates, float32, (height, width, 3)."""
    # Pores (5 pixels, coarser with age) and blotches (30 pixels); perfectly even skin looks like plastic.
    mottling = cloud(rng, u.shape, 5) * (0.012 + 0.012 * face.wrinkles) + cloud(rng, u.shape, 30) * 0.018
    colour = np.asarray(face.skin, np.float32) * (1 + mottling[..., None])
    flush = np.zeros_like(u)
    # Blood shows on the tip of the nose and on the cheeks; it takes away green and blue.
    places = pose.turn([(0, face.nose_tip - 0.1, 1.1), (0.58, 0.5, 0.75), (-0.58, 0.5, 0.75)])
    for (x, y), strength in zip(places, (0.35, face.blush, face.blush), strict=True):
        flush += strength * np.exp(-(((u - x) / 0.26) ** 2) - ((v - y) / 0.22) ** 2)
    return np.asarray(colour * (1 - flush[..., None] * np.array((0.0, 0.12, 0.1), np.float32)), np.float32)
