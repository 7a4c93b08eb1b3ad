"""Random changes of the training images, with presets."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from maskfold.settings import Probability, Settings

Range = tuple[float, float]
AugmentationPreset = Literal["none", "light", "hot6", "strong"]

AUGMENTATION_PRESETS: Final[dict[str, dict[str, Any]]] = {
    "none": {"flip": 0.0},
    # Faces stay upright and whole: a little geometry, one mild change of colour.
    "light": {
        "affine": 0.5,
        "rotation": (-8.0, 8.0),
        "translation": (-0.04, 0.04),
        "scale": (0.92, 1.08),
        "shear": (0.0, 0.0),
        "jitter": "one-of",
        "jitter_p": 0.8,
    },
    # As in the original recipe; see the recipe preset of the same name.
    "hot6": {
        "jitter": "one-of",
        "brightness": (0.2, 3.0),
        "contrast": (0.2, 3.0),
        "saturation": (0.2, 3.0),
        "hue": (-0.3, 0.3),
    },
    "strong": {
        "crop": 0.8,
        "crop_area": (0.6, 1.0),
        "randaugment": 2,
        "magnitude": 6.0,
        "grey": 0.1,
        "blur": 0.15,
        "noise": 0.2,
        "erasing": 0.25,
    },
}
"""What each preset changes from the defaults."""


class Augmentation(Settings):
    """Random changes of the training images, drawn separately for each image.

    Also given as the name of a preset alone: ``augmentation: light``.
    """

    alone: ClassVar[str] = "preset"

    preset: AugmentationPreset | None = None
    """Named settings, used wherever nothing else is given."""
    flip: Probability = 0.5
    """Probability of a horizontal flip."""
    crop: Probability = 0.0
    """Probability that a random part of the image is enlarged to the whole (random resized crop)."""
    crop_area: Range = (0.7, 1.0)
    """Range of the part's share of the image."""
    crop_ratio: Range = (0.85, 1.18)
    """Range of the part's aspect ratio, relative to the image's own."""
    affine: Probability = 0.0
    """Probability of a random rotation, scaling, shear and shift; pixels from outside the image repeat the border."""
    rotation: Range = (-10.0, 10.0)
    """Range of the rotation, in degrees, counter-clockwise."""
    translation: Range = (-0.05, 0.05)
    """Range of the shift, as a share of width and of height."""
    scale: Range = (0.9, 1.1)
    """Range of the scale factor."""
    shear: Range = (-5.0, 5.0)
    """Range of the horizontal shear, in degrees."""
    jitter: Literal["none", "one-of", "all"] = "none"
    """Colour jitter: nothing, exactly one of the four changes (as `hot6`), or all four in random order."""
    jitter_p: Probability = 1.0
    """Probability that an image is jittered at all."""
    brightness: Range = (0.8, 1.2)
    """Range of the brightness factor."""
    contrast: Range = (0.8, 1.2)
    """Range of the contrast factor."""
    saturation: Range = (0.8, 1.2)
    """Range of the saturation factor."""
    hue: Range = (-0.05, 0.05)
    """Range of the hue shift, in turns of the colour circle."""
    randaugment: int = Field(0, ge=0, le=8)
    """Number of changes that each image gets, drawn from a fixed list of shapes and colours (RandAugment)."""
    magnitude: Annotated[float, Field(ge=0, le=10)] = 5.0
    """Strength of RandAugment's changes: 0 none, 10 the strongest."""
    grey: Probability = 0.0
    """Probability that an image loses its colours."""
    blur: Probability = 0.0
    """Probability of a Gaussian blur."""
    blur_sigma: Range = (0.1, 1.5)
    """Range of the blur's standard deviation, in pixels."""
    noise: Probability = 0.0
    """Probability of Gaussian noise."""
    noise_std: Range = (0.0, 0.05)
    """Range of the noise's standard deviation, as a share of full brightness."""
    erasing: Probability = 0.0
    """Probability that a random rectangle is overwritten with noise (random erasing)."""
    erasing_area: Range = (0.02, 0.2)
    """Range of the erased share of the image."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, given: Any) -> Any:
        given = cls.in_full(given)
        if not isinstance(given, dict):
            return given
        return {**AUGMENTATION_PRESETS.get(str(given.get("preset")), {}), **given}

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        for name, (lowest, highest) in RANGE_LIMITS.items():
            low, high = getattr(self, name)
            if not lowest <= low <= high <= highest:
                raise ValueError(f"{name} must rise within {lowest}..{highest}, got [{low}, {high}]")
        return self


RANGE_LIMITS: Final = {
    "crop_area": (0.05, 1.0),
    "crop_ratio": (0.2, 5.0),
    "rotation": (-180.0, 180.0),
    "translation": (-1.0, 1.0),
    "scale": (0.1, 10.0),
    "shear": (-60.0, 60.0),
    "brightness": (0.0, 100.0),
    "contrast": (0.0, 100.0),
    "saturation": (0.0, 100.0),
    "hue": (-1.0, 1.0),
    "blur_sigma": (0.01, 20.0),
    "noise_std": (0.0, 1.0),
    "erasing_area": (0.0, 1.0),
}
"""Lowest and highest value of each setting that is a range."""
