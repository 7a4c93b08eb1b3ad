"""Neck, shoulders and clothes."""

from __future__ import annotations

from typing import Final

import numpy as np

from portraits.canvas import Array, Cover, cloud
from portraits.easel import SIDES, Easel
from portraits.outline import Point, arc, curve, mirrored, moved
from portraits.person import MALE, Clothes, Face, Person, Scene

DEPTH: Final = 0.2
"""Of all of the body, face units: it is flat, and a little behind the face's outline."""
BELOW: Final = 6.5
"""y, face units, that is below the picture's edge at any scale."""
NECKLINES: Final[dict[Clothes, tuple[float, float, float]]] = {
    "crew": (2.12, 0.14, 0.2),
    "shirt": (2.0, 0.05, 0.45),
    "suit": (2.0, 0.06, 0.7),
    "v-neck": (2.15, 0.14, 0.75),
    "turtleneck": (1.85, 0.03, 0.02),  # ends under the chin and hugs the neck
    "hoodie": (2.05, 0.14, 0.3),
}
"""For each garment: the y where it meets the neck (the chin is near 1.6), its distance from the neck, and how deep the
neckline dips in the middle, face units."""
POINTED: Final = ("v-neck", "shirt", "suit")
"""Garments whose neckline ends in a point; the others' is round."""


def paint_body(easel: Easel, person: Person, rng: np.random.Generator) -> None:
    """Paint neck, shoulders and clothes."""
    body = easel.relaxed(0.35)  # shoulders follow a third of a head's turn
    # Half widths. Necks are narrower than jaws, women's more so. Shoulders in life are wider (about 3.5 and 3.1): these
    # show their slope within a picture, which is about 5 face units wide.
    neck, shoulder = (0.7, 2.5) if person.gender == MALE else (0.54, 2.12)
    _paint_neck(body, person.face, neck)
    _paint_clothes(body, person.scene, neck, shoulder, rng)


def _paint_neck(easel: Easel, face: Face, neck: float) -> None:
    # From behind the jaw, narrowest halfway, out into the slope of the shoulders, where clothes cover it.
    right = [(0.04, 0.8), (0, 1.5), (0.04, 1.95), (0.25, 2.2), (0.5, 2.6), (0.5, 3.2)]
    cover = easel.area(curve([(0, 0.8), *mirrored([(neck + x, y) for x, y in right])]), depth=DEPTH)
    u, v = easel.grid(cover)
    side = 1 - 0.32 * (u / (neck + 0.25)) ** 2 + 0.2 * easel.light.direction[0] * u / neck  # a lit cylinder
    # The chin's shadow: over a third darker, gone half a face unit lower.
    shadow = 1 - 0.38 * np.exp(-((np.clip(v - face.chin + 0.1, 0, None) / 0.42) ** 2))
    light = (0.93 * np.clip(side, 0.5, 1.1) * shadow)[..., None]
    easel.paint(cover, np.asarray(face.skin) * (1.0, 0.97, 0.95) * light)  # light from the skin around makes it redder
    for edge in SIDES:  # the tendons that run from behind the ears to the breastbone; they stand out with age
        tendon = [(edge * neck * 0.75, 1.7), (edge * 0.12, 2.3)]
        easel.shade(easel.line(tendon, 0.05, DEPTH, soft=0.04), 1 - (0.12 + 0.2 * face.wrinkles))
    for ring in range(int(3 * face.wrinkles)):  # creases around the neck, from middle age on
        y = 0.13 * ring
        fold = arc((-neck * 0.7, 1.78 + y), (0, 1.84 + y), (neck * 0.7, 1.77 + y))
        easel.shade(easel.line(fold, 0.03, DEPTH, soft=0.02), 0.8)


def _paint_clothes(easel: Easel, scene: Scene, neck: float, shoulder: float, rng: np.random.Generator) -> None:
    kind = scene.clothes
    collar, gap, dip = NECKLINES[kind]
    wide, low = neck + gap, collar + dip
    # Along the muscle from neck to shoulder, over its rounding, and down the arm.
    edge = arc(
        (wide, collar),
        (0.5 * (wide + shoulder) - 0.15, 2.34),
        (shoulder - 0.3, 2.56),
        (shoulder, 2.95),
        (shoulder + 0.1, 3.6),
        (shoulder + 0.2, BELOW),
    )
    half: list[Point] = [(wide, collar)] if kind in POINTED else [(wide, collar), (wide * 0.55, collar + dip * 0.8)]
    neckline = np.asarray(mirrored(half, (0, low)), np.float64)
    if kind not in POINTED:
        neckline = curve(neckline, closed=False)
    if kind == "suit":
        _paint_shirt_and_tie(easel, scene, wide, collar)
    cover = easel.area(np.vstack([neckline, edge * (-1, 1), edge[::-1]]), depth=DEPTH)
    easel.paint(cover, _cloth(easel, scene, cover, neck, rng))
    if kind in ("shirt", "suit"):
        _paint_collar(easel, scene, wide, collar, dip)
    if kind in ("shirt", "suit", "hoodie"):  # buttons, lapels' edge or zip
        front = easel.line([(0.0, low), (0.0, BELOW)], 0.03, DEPTH, least=0.5)
        easel.paint(front, np.asarray(scene.cloth) * 0.72, 0.8)
    else:  # a knitted rim, on a turtleneck as wide as the collar that is turned down
        easel.shade(easel.line(neckline, 0.16 if kind == "turtleneck" else 0.06, DEPTH, least=0.5), 0.85)


def _paint_collar(easel: Easel, scene: Scene, wide: float, collar: float, dip: float) -> None:
    """Paint the two leaves of a shirt's collar, or the lapels of a jacket."""
    leaf = moved([(wide - 0.02, -0.06), (wide + 0.22, 0.18), (wide * 0.55, dip * 0.9), (0.02, dip)], 0, collar)
    # A shirt's collar is stiff and catches light; lapels have the jacket's shade.
    tone = np.clip(np.asarray(scene.cloth) * (1.12 if scene.clothes == "shirt" else 0.88), 0, 1)
    for side in SIDES:
        easel.shade(easel.area(leaf * (side, 1), depth=DEPTH, soft=0.04, drop=0.05), 0.8)
        easel.paint(easel.area(leaf * (side, 1), depth=DEPTH), tone)


def _paint_shirt_and_tie(easel: Easel, scene: Scene, wide: float, collar: float) -> None:
    """Paint what a jacket leaves open."""
    light = easel.light.on(0.8)
    front = mirrored([(wide + 0.02, collar - 0.02), (wide + 0.1, collar + 0.9)])
    # Pale whatever its colour, as dress shirts are.
    pale = np.clip(np.asarray(scene.second) * 0.25 + 0.7, 0, 1)
    easel.paint(easel.area([*front, (0, collar + 0.22)], depth=DEPTH), pale * light)
    # A knot, narrower below it than above, and the blade, which widens downwards.
    tie = mirrored([(0.1, collar + 0.2), (0.07, collar + 0.36), (0.16, BELOW)])
    easel.paint(easel.area(tie, depth=DEPTH), np.asarray(scene.accent) * 0.8 * light)


def _cloth(easel: Easel, scene: Scene, cover: Cover, neck: float, rng: np.random.Generator) -> Array:
    """Return the lit colour of cloth over a box, float32, (height, width, 3)."""
    u, v = easel.grid(cover)
    base = np.full((*u.shape, 3), scene.cloth, np.float32)
    if scene.stripes:
        # 22 radians a face unit: a stripe every 20 mm in life, bent over the chest; narrow, with soft edges.
        stripe = np.clip(4 * np.sin(v * 22 + 0.4 * np.cos(u * 1.5)) - 1.4, 0, 1)[..., None]
        base += stripe * (np.asarray(scene.second, np.float32) - base)
    folds = 0.035 * cloud(rng, u.shape, 45) + 0.015 * cloud(rng, u.shape, 3)  # folds, and the weave
    # Darker towards the arms and downwards, brighter towards the light; the head shades the chest below the chin.
    shape = 1 - 0.2 * (u / 2.2) ** 2 + 0.14 * easel.light.direction[0] * u - 0.05 * (v - 2.4)
    below_chin = 1 - 0.25 * np.exp(-((u / (neck + 0.2)) ** 2) - ((v - 2.0) / 0.35) ** 2)
    return np.asarray(base * ((shape + folds) * below_chin)[..., None], np.float32)
