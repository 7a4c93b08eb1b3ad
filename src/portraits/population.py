"""Who is drawn: the traits of a person, sampled for a gender and an age.

Gender and age only shift the distributions that traits are drawn from; every single cue has exceptions, as in life. So
the means of men and women differ by two or three standard deviations, no more, and all changes with age have a spread.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from portraits.chance import between, bounded, pick, ramp
from portraits.person import (
    MALE,
    Backdrop,
    Beard,
    Clothes,
    Colour,
    Face,
    Glasses,
    Hair,
    HairStyle,
    Person,
    Scene,
    colour,
)

# Colours of skin, hair and eyes are sRGB, chosen by eye to look like photographs taken in daylight.
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
"""Six steps from fair to dark, as in Fitzpatrick's scale; people are drawn in between them."""
DARKEST: Final = 4.6
"""On the scale of ``SKINS``; beyond, shading and wrinkles hardly show."""
HAIRS: Final = np.array(
    [
        (0.07, 0.06, 0.06),  # black
        (0.13, 0.09, 0.07),
        (0.23, 0.15, 0.10),
        (0.36, 0.23, 0.14),
        (0.62, 0.47, 0.28),  # blond
        (0.42, 0.17, 0.09),  # red
    ]
)
GREY: Final = np.array((0.78, 0.77, 0.76))
IRISES: Final = np.array([(0.17, 0.10, 0.06), (0.29, 0.18, 0.09), (0.33, 0.36, 0.22), (0.30, 0.42, 0.52)])
"""Dark brown, brown, green, blue."""
LIPSTICKS: Final = np.array([(0.72, 0.16, 0.2), (0.78, 0.33, 0.35), (0.55, 0.14, 0.22), (0.85, 0.4, 0.33)])
RIMS: Final = np.array([(0.08, 0.07, 0.07), (0.25, 0.14, 0.08), (0.45, 0.43, 0.4), (0.6, 0.48, 0.25), (0.4, 0.1, 0.12)])
"""Of glasses: black, brown and wine-red plastic, steel, gilt."""
BEARDS: Final[dict[Beard, float]] = {"none": 0.4, "stubble": 0.28, "moustache": 0.08, "goatee": 0.09, "full": 0.15}
"""Chances; so many men are shaven that a bare chin says little about gender."""
FRINGES: Final[dict[HairStyle, float]] = {"long": 0.4, "bob": 0.4, "short": 0.35, "parted": 0.35}
"""Chances that hair hangs over the forehead, of the styles where it can."""


def sample_person(rng: np.random.Generator, gender: int, age: int) -> Person:
    """Draw a person.

    Args:
        rng: Source of randomness; equal states give equal persons.
        gender: 0 male, 1 female.
        age: Years, 15..90.
    """
    tone = between(0, rng.beta(1.4, 2.0) * 5, DARKEST)  # all steps, most often the lighter half
    skin = colour(_along(SKINS, tone) * (1 + rng.normal(0, (0.02, 0.02, 0.03))))  # rosy, sallow, olive
    dark = tone > 2.5 or rng.random() < 0.55  # with dark skin comes dark hair, with fair skin in half of people
    natural = HAIRS[rng.integers(0, 2 if dark else len(HAIRS))] * rng.uniform(0.8, 1.2)
    looks = age + rng.normal(0, 3.5)  # people look older or younger than they are
    dyed = gender != MALE and rng.random() < 0.3
    grey = 0.97 * ramp(looks, 36, 70) ** 0.9 * (0.35 if dyed else 1.0)  # dye leaves the roots
    hair = colour(natural + (GREY - natural) * grey)
    face = _sample_face(rng, gender, looks, skin, hair)
    # Some are short-sighted from youth; after forty, eyes no longer focus on what is near.
    glasses = _sample_glasses(rng) if rng.random() < 0.14 + 0.36 * ramp(looks, 38, 62) else None
    return Person(gender, age, face, _sample_hair(rng, gender, looks, hair), glasses, _sample_scene(rng, gender, looks))


def _sample_face(rng: np.random.Generator, gender: int, looks: float, skin: Colour, hair: Colour) -> Face:
    male, old = gender == MALE, ramp(looks, 30, 72)
    natural_lips = np.asarray(skin) * (0.86, 0.62, 0.62) + (0.02, 0.0, 0.0)  # blood shows through thin skin
    lipstick = 0.0 if male else rng.beta(1.5, 1.5)
    stick = LIPSTICKS[rng.integers(4)]
    beard: Beard = pick(rng, BEARDS) if male else "none"
    # Lines begin before thirty and are deep in the sixties; people of one age differ.
    wrinkles = between(0, ramp(looks, 27, 66) * rng.normal(1.0, 0.15) + rng.normal(0.02, 0.02), 1.1)

    def trait(men: float, women: float, spread: float) -> float:
        return rng.normal(men if male else women, spread)

    return Face(
        skin=skin,
        cheek=rng.normal(0.985, 0.025),  # the face unit itself, less the rounding towards the ears
        # Men: jaw broader and longer, nose larger, brows thicker, lower, flatter. Women: eyes larger, lips fuller.
        jaw=trait(0.84, 0.735, 0.035) + 0.03 * old,  # the skin along it sags
        chin=trait(1.66, 1.57, 0.05),
        chin_width=trait(0.42, 0.32, 0.03),
        eye_width=trait(0.215, 0.228, 0.01),
        eye_height=trait(0.082, 0.1, 0.01) * (1 - 0.2 * old),  # lids droop with age
        eye_distance=rng.normal(0.455, 0.018),  # 63 mm between the pupils, for both
        eye_tilt=rng.normal(0.03, 0.02) - 0.03 * old,  # the outer corner is higher, until it sinks
        crease=rng.uniform(0.1, 1),  # from single to deep-set lids
        iris=colour(IRISES[rng.integers(0, 4 if skin[2] > 0.5 else 2)]),  # light eyes come with fair skin
        brow_width=bounded(rng, 0.105 if male else 0.065, 0.015, 0.04, 0.15),
        brow_arch=trait(0.03, 0.06, 0.015),
        brow_y=trait(-0.29, -0.34, 0.02),
        brow_colour=colour(np.asarray(hair) * (0.75 if sum(hair) < 1.5 else 0.62)),  # they turn grey later than hair
        nose_width=trait(0.3, 0.26, 0.025),
        nose_tip=trait(0.69, 0.64, 0.03),
        nose_height=trait(0.3, 0.25, 0.03),
        mouth_width=trait(0.38, 0.36, 0.02),  # half of 52 mm
        mouth_y=trait(1.06, 1.02, 0.02),
        lips=trait(0.85, 1.12, 0.12) * (1 - 0.3 * old),  # they thin with age
        lip_colour=colour(natural_lips + (stick - natural_lips) * lipstick * 0.8),  # never quite opaque
        lashes=rng.uniform(0.1, 0.4) if male else rng.uniform(0.5, 1.0),  # women's with mascara
        blush=rng.uniform(0, 0.4) if male else rng.uniform(0.1, 0.8),
        beard=beard,
        beard_colour=colour(np.asarray(hair) * rng.uniform(0.8, 1.05)),
        wrinkles=wrinkles,
        jowls=between(0, old * rng.normal(0.9, 0.3), 1),
        bags=between(0, 0.15 + 0.8 * old * rng.normal(1, 0.3), 1),  # some are tired at any age
        spots=bounded(rng, 0.05 + 0.7 * ramp(looks, 45, 72), 0.12, 0, 1),
        seed=int(rng.integers(2**31)),
    )


def _sample_hair(rng: np.random.Generator, gender: int, looks: float, shade: Colour) -> Hair:
    male, old = gender == MALE, ramp(looks, 35, 75)
    # Chances of men and women: about one in ten has a style that is usual for the other gender.
    styles: dict[HairStyle, tuple[float, float]] = {
        "bald": (0.02 + 0.2 * old, 0.0),
        "buzz": (0.14, 0.005),
        "short": (0.4, 0.05 + 0.15 * old),
        "parted": (0.36, 0.03),
        "long": (0.02, 0.42 - 0.2 * old),
        "bob": (0.03, 0.27),
        "tied": (0.03, 0.22),
    }
    style = pick(rng, {name: chances[gender] for name, chances in styles.items()})
    recession = between(0, old * rng.normal(0.6, 0.35), 1) if male else 0.0
    fringed = rng.random() < FRINGES.get(style, 0.0)
    return Hair(
        style=style,
        colour=shade,
        volume=bounded(rng, 0.16 if male else 0.2, 0.05, 0.06, 0.32),
        hairline=rng.normal(-0.98, 0.05) - 0.14 * recession,  # halfway between crown and brows
        recession=recession,
        fringe=rng.uniform(0.25, 0.55) * (1 - recession) if fringed else 0.0,  # ends above the brows
        parting=float(rng.choice((-1, 1)) * rng.uniform(0.05, 0.5)),  # either side; the middle itself is rare
        # Long hair reaches the neck or the chest, a bob the mouth or the chin.
        length=rng.uniform(1.9, 3.3) if style == "long" else rng.uniform(1.0, 1.6),
        wave=rng.beta(1.2, 2),
        gloss=rng.uniform(0.1, 0.5) * (1 - 0.5 * old),  # grey hair is duller
    )


def _sample_glasses(rng: np.random.Generator) -> Glasses:
    return Glasses(
        colour=colour(RIMS[rng.integers(len(RIMS))]),
        width=rng.uniform(0.02, 0.055),  # from wire to thick plastic: 1.5 to 4 mm
        round=rng.random(),
        size=rng.normal(1.0, 0.06),
    )


def _sample_scene(rng: np.random.Generator, gender: int, looks: float) -> Scene:
    young = 1 - ramp(looks, 22, 55)
    wardrobe: dict[Clothes, tuple[float, float]] = {  # chances of men and women
        "crew": (0.25, 0.25),
        "shirt": (0.25, 0.14),
        "suit": (0.2, 0.08),
        "v-neck": (0.06, 0.33),
        "turtleneck": (0.05, 0.1),
        "hoodie": (0.08 + 0.15 * young, 0.04 + 0.1 * young),
    }
    backdrops: tuple[Backdrop, ...] = ("plain", "gradient", "wall", "bokeh", "panels")
    return Scene(
        clothes=pick(rng, {name: chances[gender] for name, chances in wardrobe.items()}),
        cloth=_sample_colour(rng, rng.beta(1.2, 1.6)),  # any lightness, dark clothes more often
        second=_sample_colour(rng, rng.random()),
        stripes=bool(rng.random() < 0.2),
        backdrop=backdrops[rng.integers(len(backdrops))],
        wall=_sample_colour(rng, rng.beta(2.5, 1.3), 0.35),  # mostly light and pale, as walls are
        accent=_sample_colour(rng, rng.random(), 0.6),
        seed=int(rng.integers(2**31)),
    )


def _sample_colour(rng: np.random.Generator, lightness: float, saturation: float = 0.8) -> Colour:
    """Draw a colour of a lightness, 0 (nearly black) .. 1 (nearly white)."""
    hue = rng.normal(0, 1, 3)
    hue -= hue.mean()
    hue /= np.abs(hue).max() + 1e-9
    # Mostly muted; very dark and very light colours leave a hue less room before they clip.
    spread = saturation * rng.beta(1.2, 1.6) * 0.5 * (1 - abs(2 * lightness - 1) * 0.7)
    return colour(0.07 + 0.86 * lightness + hue * spread)  # cloth and walls are never pure black or white


def _along(table: NDArray[np.float64], position: float) -> NDArray[np.float64]:
    """Interpolate between the rows of a table."""
    low = min(int(position), len(table) - 2)
    return np.asarray(table[low] + (table[low + 1] - table[low]) * (position - low))
