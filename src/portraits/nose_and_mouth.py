"""Nose and mouth: the part of a face that a mask covers."""

from __future__ import annotations

import numpy as np

from portraits.easel import SIDES, Easel
from portraits.outline import Points, arc, at_depth, ellipse
from portraits.person import Face
from portraits.shot import surface
from portraits.wrinkles import crease

CLOSED = 0.01
"""Opening of the lips, face units, up to which the mouth is a line: less than a pixel of teeth."""


def paint_nose(easel: Easel, face: Face) -> None:
    """Paint nostrils, wings and the shadow below the tip; the relief has shaded the rest."""
    tip, half = face.nose_tip, face.nose_width

    def lifted(points: Points, share: float) -> Points:
        """Place points on the nose: in front of the face by a share of the nose's height."""
        return at_depth(points, surface(points[:, 0], points[:, 1]) + share * face.nose_height)

    # The higher the light, the darker the shadow; even light from the front leaves a third of it.
    shadow = easel.area(lifted(ellipse(0, tip + 0.03, half * 0.95, 0.06), 0.4), soft=0.035)
    easel.shade(shadow, 1 - np.array((0.25, 0.32, 0.32)) * max(0.3, -1.3 * easel.light.direction[1]))
    for side in SIDES:
        wing = arc((side * half * 0.72, tip - 0.2), (side * half * 1.04, tip - 0.07), (side * half * 0.8, tip + 0.02))
        easel.shade(easel.line(lifted(wing, 0.5), (0, 0.035, 0.02), soft=0.014), (0.7, 0.6, 0.58))
        nostril = ellipse(side * half * 0.45, tip - 0.015, half * 0.27, 0.032)
        nostril[:, 1] += 0.12 * np.abs(nostril[:, 0]) - 0.03  # their outer ends are lower
        easel.shade(easel.area(lifted(nostril, 0.7), soft=0.012), (0.36, 0.25, 0.24))
        # The side of the bridge that is turned away from the light.
        flank = arc((side * 0.13, -0.12), (side * 0.11, 0.2), (side * 0.15, tip - 0.22))
        away = 0.5 - 0.5 * np.tanh(3 * side * easel.light.direction[0])
        easel.shade(easel.line(lifted(flank, 0.3), 0.06, soft=0.04), 1 - 0.12 * away)


def paint_mouth(easel: Easel, face: Face) -> None:
    """Paint the lips, and the teeth where they open."""
    smile, gap = easel.shot.expression.smile, easel.shot.expression.opening
    half = face.mouth_width * (1 + 0.14 * smile)  # a broad smile is a seventh wider, its corners 8 mm higher
    y = face.mouth_y
    corner = y - 0.11 * smile

    def across(quarter: float, middle: float) -> Points:
        """Return a line from corner to corner of the mouth, by its y a quarter of the way and in the middle."""
        ends = [(-half, corner), (-half / 2, quarter)]
        return arc(*ends, (0, middle), (half / 2, quarter), (half, corner))

    # The lower jaw opens the mouth, so the lower lip moves three times as far as the upper one.
    seam_up = across(y - 0.015 - gap * 0.3, y - gap * 0.35)
    seam_low = across(y + 0.01 + gap * 0.6, y + 0.005 + gap)
    high, low = 0.085 * face.lips, 0.125 * face.lips  # 6 and 9 mm: lower lips are fuller
    # The upper lip's two peaks, and the dip between them.
    bow = [(-0.08, y - 1.25 * high - gap * 0.35), (0, y - high - gap * 0.35)]
    top = arc((-half, corner), (-half / 2, y - 0.65 * high - gap * 0.3), *bow)
    top = np.vstack([top, top[::-1] * (-1, 1)])
    bottom = across(y + 0.75 * low + gap * 0.7, y + low + gap)

    colour, light = np.asarray(face.lip_colour), easel.light.on(0.85)
    if gap > CLOSED:
        inside = easel.area(np.vstack([seam_up, seam_low[::-1]]))
        easel.paint(inside, (0.2, 0.08, 0.08))
        # The upper teeth fill two thirds of the opening and end before its corners.
        teeth = np.vstack([seam_up * (0.86, 1), (seam_low * (0.86, 0.3) + (0, 0.7 * (y + 0.3 * gap)))[::-1]])
        easel.paint(easel.area(teeth, least=0.5).inside(inside), np.array((0.93, 0.9, 0.85)) * light)
    # The upper lip faces down, away from the light; the edges of lips are soft unless painted.
    upper_lip = easel.area(np.vstack([top, seam_up[::-1]]), soft=0.016)
    lower_lip = easel.area(np.vstack([seam_low, bottom[::-1]]), soft=0.018)
    easel.paint(upper_lip, colour * 0.86 * light, 0.85)
    easel.paint(lower_lip, colour * light, 0.85)
    easel.shade(easel.area(ellipse(0, y + 0.5 * low + gap, half * 0.4, 0.25 * low), soft=0.03), 1.12)  # moist
    if gap <= CLOSED:
        easel.shade(easel.line(seam_up, (0, 0.02, 0.024, 0.02, 0), soft=0.008), (0.42, 0.32, 0.32))
    for side in SIDES:  # the dimples at its corners
        crease(easel, [(side * half, corner - 0.02), (side * (half + 0.04), corner + 0.03)], (0.03, 0.02), 0.4)
