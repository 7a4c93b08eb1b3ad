"""A person: what stays the same in all photographs. :mod:`portraits.population` draws them."""

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
    """Fixes the places of wrinkles and spots in all photographs of the person."""


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


def colour(values: NDArray[np.floating]) -> Colour:
    """Return an RGB triple clipped to 0..1."""
    r, g, b = (float(v) for v in np.clip(values, 0, 1))
    return r, g, b
