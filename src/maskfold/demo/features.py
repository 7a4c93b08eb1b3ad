"""Eyes, brows, nose, mouth and glasses."""

from __future__ import annotations

import numpy as np

from maskfold.demo.canvas import Canvas, Cover, Points, cloud, curve, ellipse, moved, ribbon
from maskfold.demo.head import SIDES, crease
from maskfold.demo.person import Face, Glasses
from maskfold.demo.shot import Expression, Shot, surface


def paint_eyes(canvas: Canvas, face: Face, shot: Shot) -> None:
    """Paint both eyes with lids and lashes."""
    for side in SIDES:
        _paint_eye(canvas, face, shot, side)


def _lids(face: Face, expression: Expression, side: float) -> tuple[Points, Points]:
    """Return the upper and the lower lid's edge from the inner to the outer corner, face points (13, 2)."""
    t = np.linspace(0, 1, 13)
    x = side * (face.eye_distance - face.eye_width + 2 * face.eye_width * t)
    corner = 0.03 - (0.03 + face.eye_tilt) * t
    upper = corner - face.eye_height * expression.lids * np.sin(np.pi * t**0.85) ** 0.8
    lower = corner + face.eye_height * (0.62 - 0.1 * expression.smile) * np.sin(np.pi * t**1.15)
    return np.column_stack([x, upper]), np.column_stack([x, lower])


def _paint_eye(canvas: Canvas, face: Face, shot: Shot, side: float) -> None:
    pose, scale = shot.pose, shot.pose.scale
    upper, lower = _lids(face, shot.expression, side)
    socket = ellipse(side * face.eye_distance, -0.02, 0.3, 0.2)
    canvas.shade(canvas.cover(pose.project(socket), blur=0.07 * scale), (0.87, 0.82, 0.82))
    crease(canvas, shot, moved(upper[1:], side * 0.01, -0.055), (0.008, 0.03, 0.01), 0.35 + 0.45 * face.crease)
    crease(canvas, shot, moved(lower, 0, 0.02), (0.01, 0.025, 0.01), 0.35)

    opening = canvas.cover(pose.project(np.vstack([upper, lower[::-1]])))
    brightness = shot.light.ambient + 0.75 * (1 - shot.light.ambient)
    canvas.paint(opening, np.array((0.93, 0.91, 0.9)) * brightness)
    x, y = side * face.eye_distance + shot.expression.gaze[0], -0.01 + shot.expression.gaze[1]
    centre = pose.project([(x, y)])[0]
    for radius, tone in ((0.112, 0.45), (0.1, 1.15), (0.047, 0.0)):
        disc = canvas.cover(ellipse(centre[0], centre[1], radius * scale, radius * scale))
        canvas.paint(disc.inside(opening), np.asarray(face.iris) * tone * brightness + 0.015)
    lash_shadow = canvas.cover(ribbon(pose.project(moved(upper, 0, 0.02)), 0.07 * scale), blur=0.02 * scale)
    canvas.shade(lash_shadow.inside(opening), 0.6)
    glint = centre + scale * np.array((0.04 * np.sign(shot.light.direction[0]), -0.04))
    canvas.paint(canvas.cover(ellipse(glint[0], glint[1], 0.02 * scale, 0.02 * scale, 12)).inside(opening), 0.97)

    dark = np.asarray(face.skin) * (0.25, 0.2, 0.19)
    edge = ribbon(
        pose.project(upper), [s * scale for s in (0.012, 0.026 + 0.02 * face.lashes, 0.028 + 0.03 * face.lashes)]
    )
    canvas.paint(canvas.cover(edge), dark, 0.9)
    if face.lashes > 0.5:
        wing = [upper[-2], upper[-1] + (side * 0.02, -0.005), upper[-1] + (side * 0.07, -0.035)]
        canvas.paint(canvas.cover(ribbon(pose.project(wing), [0.03 * scale, 0.02 * scale, 0.5])), dark, face.lashes)
    canvas.paint(canvas.cover(ribbon(pose.project(lower), 0.012 * scale)), dark, 0.35 + 0.25 * face.lashes)


def paint_brows(canvas: Canvas, face: Face, shot: Shot, rng: np.random.Generator) -> None:
    """Paint the eyebrows."""
    scale = shot.pose.scale
    for side in SIDES:
        y = face.brow_y - shot.expression.brows
        d = face.eye_distance
        line = curve(
            [
                (side * (d - 0.27), y + 0.01),
                (side * (d - 0.05), y - 0.45 * face.brow_arch),
                (side * (d + 0.12), y - face.brow_arch),
                (side * (d + 0.3), y + 0.06),
            ],
            closed=False,
        )
        widths = [face.brow_width * scale * share for share in (0.85, 1.0, 0.8, 0.25)]
        cover = canvas.cover(ribbon(shot.pose.project(line), widths), blur=0.014 * scale)
        height, width = cover.alpha.shape
        hairy = np.clip(cover.alpha * (1 + 0.3 * cloud(rng, height, width, 2)), 0, 1)
        canvas.paint(Cover(cover.box, hairy), np.asarray(face.brow_colour), 0.82)


def paint_nose(canvas: Canvas, face: Face, shot: Shot) -> None:
    """Paint nostrils, wings and the shadow below the tip; the relief has shaded the rest."""
    scale, tip, half = shot.pose.scale, face.nose_tip, face.nose_width

    def at(points: Points, lift: float) -> Points:
        depth = surface(points[:, 0], points[:, 1]) + lift * face.nose_height
        return shot.pose.project(np.column_stack([points, depth]))

    shadow = canvas.cover(at(ellipse(0, tip + 0.03, half * 0.95, 0.06), 0.4), blur=0.035 * scale)
    canvas.shade(shadow, 1 - np.array((0.25, 0.32, 0.32)) * max(0.3, -1.3 * shot.light.direction[1]))
    for side in SIDES:
        wing = curve(
            [(side * half * 0.72, tip - 0.2), (side * half * 1.04, tip - 0.07), (side * half * 0.8, tip + 0.02)],
            closed=False,
        )
        canvas.shade(
            canvas.cover(ribbon(at(wing, 0.5), [0.5, 0.035 * scale, 0.02 * scale]), blur=0.014 * scale),
            (0.7, 0.6, 0.58),
        )
        nostril = ellipse(side * half * 0.45, tip - 0.015, half * 0.27, 0.032)
        nostril[:, 1] += 0.12 * np.abs(nostril[:, 0]) - 0.03
        canvas.shade(canvas.cover(at(nostril, 0.7), blur=0.012 * scale), (0.36, 0.25, 0.24))
        flank = curve([(side * 0.13, -0.12), (side * 0.11, 0.2), (side * 0.15, tip - 0.22)], closed=False)
        away = 0.5 - 0.5 * np.tanh(3 * side * shot.light.direction[0])
        canvas.shade(canvas.cover(ribbon(at(flank, 0.3), 0.06 * scale), blur=0.04 * scale), 1 - 0.12 * away)


def paint_mouth(canvas: Canvas, face: Face, shot: Shot) -> None:
    """Paint the lips, and the teeth where they open."""
    pose, scale, e = shot.pose, shot.pose.scale, shot.expression
    half = face.mouth_width * (1 + 0.14 * e.smile)
    y = face.mouth_y
    corner = y - 0.11 * e.smile
    gap = e.opening
    seam_up = curve(
        [
            (-half, corner),
            (-half / 2, y - 0.015 - gap * 0.3),
            (0, y - gap * 0.35),
            (half / 2, y - 0.015 - gap * 0.3),
            (half, corner),
        ],
        False,
    )
    seam_low = curve(
        [
            (-half, corner),
            (-half / 2, y + 0.01 + gap * 0.6),
            (0, y + 0.005 + gap),
            (half / 2, y + 0.01 + gap * 0.6),
            (half, corner),
        ],
        False,
    )
    u, low = 0.085 * face.lips, 0.125 * face.lips
    top = curve(
        [
            (-half, corner),
            (-half / 2, y - 0.65 * u - gap * 0.3),
            (-0.08, y - 1.25 * u - gap * 0.35),
            (0, y - u - gap * 0.35),
        ],
        False,
    )
    top = np.vstack([top, top[::-1] * (-1, 1)])
    bottom = curve(
        [
            (-half, corner),
            (-half / 2, y + 0.75 * low + gap * 0.7),
            (0, y + low + gap),
            (half / 2, y + 0.75 * low + gap * 0.7),
            (half, corner),
        ],
        False,
    )
    colour = np.asarray(face.lip_colour)
    light = shot.light.ambient + 0.85 * (1 - shot.light.ambient)
    if gap > 0.01:
        inside = canvas.cover(pose.project(np.vstack([seam_up, seam_low[::-1]])))
        canvas.paint(inside, (0.2, 0.08, 0.08))
        teeth = np.vstack([seam_up * (0.86, 1), (seam_low * (0.86, 0.3) + (0, 0.7 * (y + 0.3 * gap)))[::-1]])
        canvas.paint(canvas.cover(pose.project(teeth), blur=0.5).inside(inside), np.array((0.93, 0.9, 0.85)) * light)
    upper_lip = canvas.cover(pose.project(np.vstack([top, seam_up[::-1]])), blur=0.016 * scale)
    lower_lip = canvas.cover(pose.project(np.vstack([seam_low, bottom[::-1]])), blur=0.018 * scale)
    canvas.paint(upper_lip, colour * 0.86 * light, 0.85)
    canvas.paint(lower_lip, colour * 1.0 * light, 0.85)
    sheen = canvas.cover(pose.project(ellipse(0, y + 0.5 * low + gap, half * 0.4, 0.25 * low)), blur=0.03 * scale)
    canvas.shade(sheen, 1.12)
    if gap <= 0.01:
        line = ribbon(pose.project(seam_up), [0.5, 0.02 * scale, 0.024 * scale, 0.02 * scale, 0.5])
        canvas.shade(canvas.cover(line, blur=0.008 * scale), (0.42, 0.32, 0.32))
    for side in SIDES:
        crease(canvas, shot, [(side * half, corner - 0.02), (side * (half + 0.04), corner + 0.03)], (0.03, 0.02), 0.4)


def paint_glasses(canvas: Canvas, glasses: Glasses, face: Face, shot: Shot) -> None:
    """Paint a pair of glasses."""
    scale = shot.pose.scale

    def at(points: Points) -> Points:
        return shot.pose.project(np.column_stack([points, np.maximum(surface(points[:, 0], points[:, 1]), 0.3) + 0.12]))

    rim = max(glasses.width * scale, 1.2)
    for side in SIDES:
        angle = np.linspace(0, 2 * np.pi, 41)
        power = 0.45 + 0.55 * glasses.round
        x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * 0.37 * glasses.size
        y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * (0.22 + 0.08 * glasses.round) * glasses.size
        lens = np.column_stack([side * (face.eye_distance + 0.01) + x, 0.06 + y])
        canvas.paint(canvas.cover(at(lens)), (0.9, 0.95, 1.0), 0.07)
        canvas.shade(canvas.cover(ribbon(moved(at(lens), 0, 0.04 * scale), rim), blur=0.02 * scale), 0.82)
        canvas.paint(canvas.cover(ribbon(at(lens), rim)), glasses.colour, 0.95)
        arm = np.array([(side * 0.83, 0.0), (side * 1.02, 0.02)])
        canvas.paint(canvas.cover(ribbon(at(arm), rim * 1.2)), glasses.colour, 0.9)
    bridge = curve([(-0.11, 0.02), (0, -0.02), (0.11, 0.02)], closed=False)
    canvas.paint(canvas.cover(ribbon(at(bridge), rim)), glasses.colour, 0.95)
