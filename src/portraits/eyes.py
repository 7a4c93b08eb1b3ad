"""Eyes, brows and glasses."""

from __future__ import annotations

import numpy as np

from portraits.easel import SIDES, Easel
from portraits.outline import Points, arc, at_depth, ellipse, moved, ribbon
from portraits.person import Face, Glasses
from portraits.shot import Expression, surface
from portraits.wrinkles import crease


def paint_eyes(easel: Easel, face: Face) -> None:
    """Paint both eyes with lids and lashes."""
    for side in SIDES:
        upper, lower = _lids(face, easel.shot.expression, side)
        socket = ellipse(side * face.eye_distance, -0.02, 0.3, 0.2)
        easel.shade(easel.area(socket, soft=0.07), (0.87, 0.82, 0.82))  # skin is thin and shaded there
        # The fold above the upper lid, and the lower lid's edge.
        crease(easel, moved(upper[1:], side * 0.01, -0.055), (0.008, 0.03, 0.01), 0.35 + 0.45 * face.crease)
        crease(easel, moved(lower, 0, 0.02), (0.01, 0.025, 0.01), 0.35)
        _paint_eyeball(easel, face, side, upper, lower)
        _paint_lashes(easel, face, side, upper, lower)


def _lids(face: Face, expression: Expression, side: float) -> tuple[Points, Points]:
    """Return the upper and the lower lid's edge from the inner to the outer corner, face points (13, 2)."""
    t = np.linspace(0, 1, 13)
    x = side * (face.eye_distance - face.eye_width + 2 * face.eye_width * t)
    corner = 0.03 - (0.03 + face.eye_tilt) * t  # the inner corner is 2 mm below the middle
    # The upper lid is highest towards the nose, the lower one lowest towards the ear, and pushed up by a smile.
    upper = corner - face.eye_height * expression.lids * np.sin(np.pi * t**0.85) ** 0.8
    lower = corner + face.eye_height * (0.62 - 0.1 * expression.smile) * np.sin(np.pi * t**1.15)
    return np.column_stack([x, upper]), np.column_stack([x, lower])


def _paint_eyeball(easel: Easel, face: Face, side: float, upper: Points, lower: Points) -> None:
    scale, gaze, light = easel.scale, easel.shot.expression.gaze, easel.light
    opening = easel.area(np.vstack([upper, lower[::-1]]))
    brightness = light.on(0.75)  # the brow takes a quarter of the light
    easel.paint(opening, np.array((0.93, 0.91, 0.9)) * brightness)  # the white of eyes is slightly pink
    centre = easel.place([(side * face.eye_distance + gaze[0], -0.01 + gaze[1])])[0]
    # Rim, iris and pupil. In life an iris has a radius of 0.087 (6 mm); here it is larger, or its colour would be lost.
    for radius, tone in ((0.112, 0.45), (0.1, 1.15), (0.047, 0.0)):
        disc = easel.canvas.cover(ellipse(centre[0], centre[1], radius * scale, radius * scale))
        easel.paint(disc.inside(opening), np.asarray(face.iris) * tone * brightness + 0.015)
    easel.shade(easel.line(moved(upper, 0, 0.02), 0.07, soft=0.02).inside(opening), 0.6)  # the upper lid's shadow
    # The light's reflection, without which eyes look dead: above the pupil, towards the light.
    glint = centre + scale * np.array((0.04 * np.sign(light.direction[0]), -0.04))
    disc = easel.canvas.cover(ellipse(glint[0], glint[1], 0.02 * scale, 0.02 * scale, 12))
    easel.paint(disc.inside(opening), 0.97)


def _paint_lashes(easel: Easel, face: Face, side: float, upper: Points, lower: Points) -> None:
    """Paint lashes as lines along the lids: single ones are far thinner than a pixel."""
    dark, lashes = np.asarray(face.skin) * (0.25, 0.2, 0.19), face.lashes
    edge = easel.line(upper, (0.012, 0.026 + 0.02 * lashes, 0.028 + 0.03 * lashes))  # longer towards the ear
    easel.paint(edge, dark, 0.9)
    if lashes > 0.5:  # with mascara they stand out beyond the corner
        wing = [upper[-2], upper[-1] + (side * 0.02, -0.005), upper[-1] + (side * 0.07, -0.035)]
        easel.paint(easel.line(wing, (0.03, 0.02, 0)), dark, lashes)
    easel.paint(easel.line(lower, 0.012), dark, 0.35 + 0.25 * lashes)  # the lower ones are sparse


def paint_brows(easel: Easel, face: Face, rng: np.random.Generator) -> None:
    """Paint the eyebrows, from above the inner corner of the eye to beyond the outer one."""
    y, d = face.brow_y - easel.shot.expression.brows, face.eye_distance
    # Blunt at the nose, thickest before the arch, thin at the end.
    widths = [face.brow_width * easel.scale * share for share in (0.85, 1.0, 0.8, 0.25)]
    for side in SIDES:
        line = arc(
            (side * (d - 0.27), y + 0.01),
            (side * (d - 0.05), y - 0.45 * face.brow_arch),
            (side * (d + 0.12), y - face.brow_arch),  # highest two thirds along
            (side * (d + 0.3), y + 0.06),
        )
        cover = easel.canvas.cover(ribbon(easel.place(line), widths), blur=0.014 * easel.scale)
        easel.paint(cover.ragged(rng, 0.3), face.brow_colour, 0.82)  # skin shows between the hairs


def paint_glasses(easel: Easel, glasses: Glasses, face: Face) -> None:
    """Paint a pair of glasses, which stand 8 mm off the face and shade it below their rims."""

    def place(points: Points) -> Points:
        return easel.place(at_depth(points, np.maximum(surface(points[:, 0], points[:, 1]), 0.3) + 0.12))

    canvas = easel.canvas
    rim = max(glasses.width * easel.scale, 1.2)  # pixels; thinner rims vanish in small pictures
    angle = np.linspace(0, 2 * np.pi, 41)
    power = 0.45 + 0.55 * glasses.round  # a superellipse: at 1 an ellipse, at 0.45 nearly a rectangle
    # 51 mm wide, as most lenses are; round ones are taller.
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * 0.37 * glasses.size
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * (0.22 + 0.08 * glasses.round) * glasses.size
    for side in SIDES:
        lens = place(np.column_stack([side * (face.eye_distance + 0.01) + x, 0.06 + y]))
        canvas.paint(canvas.cover(lens), (0.9, 0.95, 1.0), 0.07)  # a faint bluish reflection
        shadow = ribbon(moved(lens, 0, 0.04 * easel.scale), rim)
        canvas.shade(canvas.cover(shadow, blur=0.02 * easel.scale), 0.82)
        canvas.paint(canvas.cover(ribbon(lens, rim)), glasses.colour, 0.95)
        arm = place(np.array([(side * 0.83, 0.0), (side * 1.02, 0.02)]))
        canvas.paint(canvas.cover(ribbon(arm, rim * 1.2)), glasses.colour, 0.9)
    bridge = place(arc((-0.11, 0.02), (0, -0.02), (0.11, 0.02)))
    canvas.paint(canvas.cover(ribbon(bridge, rim)), glasses.colour, 0.95)
