"""Who is drawn: the lasting traits of a person, sampled for a gender and an age.

Gender and age only shift the distributions that traits are drawn from; every single cue has exceptions, as in life.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
HairStyle = Literal["bald", "buzz", "short", "parted", "long", "bob", "tied"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]
Clothes = Literal["crew", "shirt", "suit", "v-neck", "turtleneck", "hoodie"]
Backdrop = Literal["plain", "gradient", "wall", "bokeh", "panels"]

MALE: Final = 0
FEMALE: Final = 1

SKINS: Final = np.array(
    [
        (0.97, 0.83, 0.74),
        (0.93, 0.76, 0.63),
        (0.86, 0.67, 0.52),
        (0.75, 0.55, 0.41),
        (0.60, 0.42, 0.31),
        (0.47, 0.33, 0.25),
    ]
)
HAIRS: Final = np.array(
    [
        (0.07, 0.06, 0.06),
        (0.13, 0.09, 0.07),
        (0.23, 0.15, 0.10),
        (0.36, 0.23, 0.14),
        (0.62, 0.47, 0.28),
        (0.42, 0.17, 0.09),
    ]
)
GREY: Final = np.array((0.78, 0.77, 0.76))
IRISES: Final = np.array([(0.17, 0.10, 0.06), (0.29, 0.18, 0.09), (0.33, 0.36, 0.22), (0.30, 0.42, 0.52)])


@dataclass(frozen=True)
class Hair:
    """Hair of the head; lengths in face units."""

    style: HairStyle
    colour: Colour
    volume: float
    """Height above the skull."""
    hairline: float
    """y of the forehead's edge; larger is lower."""
    recession: float
    """How far the temples are bare."""
    fringe: float
    """How far hair hangs over the forehead."""
    parting: float
    """x of the parting."""
    length: float
    """y that long hair reaches."""
    wave: float
    gloss: float


@dataclass(frozen=True)
class Face:
    """Shapes and colours of the face; lengths in face units."""

    skin: Colour
    cheek: float
    """Half width at the cheekbones."""
    jaw: float
    """Half width at the jaw's corner."""
    chin: float
    """y of the chin."""
    chin_width: float
    eye_width: float
    eye_height: float
    eye_distance: float
    eye_tilt: float
    crease: float
    """Strength of the lid's crease."""
    iris: Colour
    brow_width: float
    brow_arch: float
    brow_y: float
    brow_colour: Colour
    nose_width: float
    nose_tip: float
    """y of the nose's base."""
    nose_height: float
    mouth_width: float
    mouth_y: float
    lips: float
    """Fullness."""
    lip_colour: Colour
    lashes: float
    blush: float
    beard: Beard
    beard_colour: Colour
    wrinkles: float
    """0 (none) .. 1 (deep)."""
    jowls: float
    bags: float
    spots: float
    seed: int
    """Fixes where wrinkles and spots lie in all photographs of the person."""


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses."""

    colour: Colour
    width: float
    """Of the rim, face units."""
    round: float
    """0 square .. 1 round."""
    size: float


@dataclass(frozen=True)
class Scene:
    """Clothes and background."""

    clothes: Clothes
    cloth: Colour
    second: Colour
    stripes: bool
    backdrop: Backdrop
    wall: Colour
    accent: Colour
    seed: int


@dataclass(frozen=True)
class Person:
    """One person to draw."""

    gender: int
    """0 male, 1 female."""
    age: int
    """Years."""
    face: Face
    hair: Hair
    glasses: Glasses | None
    scene: Scene


def ramp(value: float, low: float, high: float) -> float:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = float(np.clip((value - low) / (high - low), 0, 1))
    return t * t * (3 - 2 * t)


def colour(values: NDArray[np.floating]) -> Colour:
    """Return an RGB triple clipped to 0..1."""
    r, g, b = (float(v) for v in np.clip(values, 0, 1))
    return r, g, b


def sample_person(rng: np.random.Generator, gender: int, age: int) -> Person:
    """Draw a person.

    Args:
        rng: Source of randomness; equal states give equal persons.
        gender: 0 male, 1 female.
        age: Years, 15..90.
    """
    tone = float(np.clip(rng.beta(1.4, 2.0) * 5, 0, 4.6))
    skin = colour(_along(SKINS, tone) * (1 + rng.normal(0, (0.02, 0.02, 0.03))))
    dark = tone > 2.5 or rng.random() < 0.55
    natural = HAIRS[rng.integers(0, 2 if dark else len(HAIRS))] * rng.uniform(0.8, 1.2)
    looks = age + rng.normal(0, 3.5)  # people look older or younger than they are
    dyed = gender == FEMALE and rng.random() < 0.3
    grey = 0.97 * ramp(looks, 36, 70) ** 0.9 * (0.35 if dyed else 1.0)
    hair = colour(natural + (GREY - natural) * grey)
    face = _sample_face(rng, gender, looks, skin, hair)
    glasses = _sample_glasses(rng) if rng.random() < 0.14 + 0.36 * ramp(looks, 38, 62) else None
    return Person(gender, age, face, _sample_hair(rng, gender, looks, hair), glasses, _sample_scene(rng, gender, looks))


def _sample_face(rng: np.random.Generator, gender: int, looks: float, skin: Colour, hair: Colour) -> Face:
    male, old = gender == MALE, ramp(looks, 30, 72)
    base = np.asarray(skin)
    natural_lips = base * (0.86, 0.62, 0.62) + (0.02, 0.0, 0.0)
    lipstick = 0.0 if male else float(rng.beta(1.5, 1.5))
    stick = np.array([(0.72, 0.16, 0.2), (0.78, 0.33, 0.35), (0.55, 0.14, 0.22), (0.85, 0.4, 0.33)])[rng.integers(4)]
    beards: tuple[Beard, ...] = ("none", "stubble", "moustache", "goatee", "full")
    beard = beards[int(rng.choice(5, p=(0.4, 0.28, 0.08, 0.09, 0.15)))] if male else "none"
    wrinkles = float(np.clip(ramp(looks, 27, 66) * rng.normal(1.0, 0.15) + rng.normal(0.02, 0.02), 0, 1.1))
    return Face(
        skin=skin,
        cheek=float(rng.normal(0.985, 0.025)),
        jaw=float(rng.normal(0.84 if male else 0.735, 0.035) + 0.03 * old),
        chin=float(rng.normal(1.66 if male else 1.57, 0.05)),
        chin_width=float(rng.normal(0.42 if male else 0.32, 0.03)),
        eye_width=float(rng.normal(0.215 if male else 0.228, 0.01)),
        eye_height=float(rng.normal(0.082 if male else 0.1, 0.01) * (1 - 0.2 * old)),
        eye_distance=float(rng.normal(0.455, 0.018)),
        eye_tilt=float(rng.normal(0.03, 0.02) - 0.03 * old),
        crease=float(rng.uniform(0.1, 1)),
        iris=colour(IRISES[rng.integers(0, 4 if base[2] > 0.5 else 2)]),
        brow_width=float(np.clip(rng.normal(0.105 if male else 0.065, 0.015), 0.04, 0.15)),
        brow_arch=float(rng.normal(0.03 if male else 0.06, 0.015)),
        brow_y=float(rng.normal(-0.29 if male else -0.34, 0.02)),
        brow_colour=colour(np.asarray(hair) * 0.75 if sum(hair) < 1.5 else np.asarray(hair) * 0.62),
        nose_width=float(rng.normal(0.3 if male else 0.26, 0.025)),
        nose_tip=float(rng.normal(0.69 if male else 0.64, 0.03)),
        nose_height=float(rng.normal(0.3 if male else 0.25, 0.03)),
        mouth_width=float(rng.normal(0.38 if male else 0.36, 0.02)),
        mouth_y=float(rng.normal(1.06 if male else 1.02, 0.02)),
        lips=float(rng.normal(0.85 if male else 1.12, 0.12) * (1 - 0.3 * old)),
        lip_colour=colour(natural_lips + (stick - natural_lips) * lipstick * 0.8),
        lashes=float(rng.uniform(0.1, 0.4) if male else rng.uniform(0.5, 1.0)),
        blush=float(rng.uniform(0, 0.4) if male else rng.uniform(0.1, 0.8)),
        beard=beard,
        beard_colour=colour(np.asarray(hair) * rng.uniform(0.8, 1.05)),
        wrinkles=wrinkles,
        jowls=float(np.clip(old * rng.normal(0.9, 0.3), 0, 1)),
        bags=float(np.clip(0.15 + 0.8 * old * rng.normal(1, 0.3), 0, 1)),
        spots=float(np.clip(rng.normal(0.05 + 0.7 * ramp(looks, 45, 72), 0.12), 0, 1)),
        seed=int(rng.integers(2**31)),
    )


def _sample_hair(rng: np.random.Generator, gender: int, looks: float, shade: Colour) -> Hair:
    old = ramp(looks, 35, 75)
    styles: tuple[HairStyle, ...] = ("bald", "buzz", "short", "parted", "long", "bob", "tied")
    if gender == MALE:
        chances = np.array((0.02 + 0.2 * old, 0.14, 0.4, 0.36, 0.02, 0.03, 0.03))
    else:
        chances = np.array((0.0, 0.005, 0.05 + 0.15 * old, 0.03, 0.42 - 0.2 * old, 0.27, 0.22))
    style = styles[int(rng.choice(len(styles), p=chances / chances.sum()))]
    recession = float(np.clip(old * rng.normal(0.6, 0.35), 0, 1)) if gender == MALE else 0.0
    fringed = rng.random() < {"long": 0.4, "bob": 0.4, "short": 0.35, "parted": 0.35}.get(style, 0.0)
    return Hair(
        style=style,
        colour=shade,
        volume=float(np.clip(rng.normal(0.2 if gender == FEMALE else 0.16, 0.05), 0.06, 0.32)),
        hairline=float(rng.normal(-0.98, 0.05) - 0.14 * recession),
        recession=recession,
        fringe=float(rng.uniform(0.25, 0.55)) * (1 - recession) if fringed else 0.0,
        parting=float(rng.choice((-1, 1)) * rng.uniform(0.05, 0.5)),
        length=float(rng.uniform(1.9, 3.3)) if style == "long" else float(rng.uniform(1.0, 1.6)),
        wave=float(rng.beta(1.2, 2)),
        gloss=float(rng.uniform(0.1, 0.5) * (1 - 0.5 * old)),
    )


def _sample_glasses(rng: np.random.Generator) -> Glasses:
    rims = np.array([(0.08, 0.07, 0.07), (0.25, 0.14, 0.08), (0.45, 0.43, 0.4), (0.6, 0.48, 0.25), (0.4, 0.1, 0.12)])
    return Glasses(
        colour=colour(rims[rng.integers(len(rims))]),
        width=float(rng.uniform(0.02, 0.055)),
        round=float(rng.random()),
        size=float(rng.normal(1.0, 0.06)),
    )


def _sample_scene(rng: np.random.Generator, gender: int, looks: float) -> Scene:
    clothes: tuple[Clothes, ...] = ("crew", "shirt", "suit", "v-neck", "turtleneck", "hoodie")
    young = 1 - ramp(looks, 22, 55)
    if gender == MALE:
        chances = np.array((0.25, 0.25, 0.2, 0.06, 0.05, 0.08 + 0.15 * young))
    else:
        chances = np.array((0.25, 0.14, 0.08, 0.33, 0.1, 0.04 + 0.1 * young))
    backdrops: tuple[Backdrop, ...] = ("plain", "gradient", "wall", "bokeh", "panels")
    return Scene(
        clothes=clothes[int(rng.choice(len(clothes), p=chances / chances.sum()))],
        cloth=_sample_colour(rng, rng.beta(1.2, 1.6)),
        second=_sample_colour(rng, rng.random()),
        stripes=bool(rng.random() < 0.2),
        backdrop=backdrops[rng.integers(len(backdrops))],
        wall=_sample_colour(rng, rng.beta(2.5, 1.3), 0.35),
        accent=_sample_colour(rng, rng.random(), 0.6),
        seed=int(rng.integers(2**31)),
    )


def _sample_colour(rng: np.random.Generator, lightness: float, saturation: float = 0.8) -> Colour:
    """Draw a colour of a lightness, 0 (nearly black) .. 1 (nearly white)."""
    hue = rng.normal(0, 1, 3)
    hue -= hue.mean()
    hue /= np.abs(hue).max() + 1e-9
    spread = saturation * rng.beta(1.2, 1.6) * 0.5 * (1 - abs(2 * lightness - 1) * 0.7)
    return colour(0.07 + 0.86 * lightness + hue * spread)


def _along(table: NDArray[np.float64], position: float) -> NDArray[np.float64]:
    """Interpolate between the rows of a table."""
    low = min(int(position), len(table) - 2)
    return np.asarray(table[low] + (table[low + 1] - table[low]) * (position - low))
