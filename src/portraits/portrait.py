"""A finished photograph: person, circumstances and mask put together."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from portraits.backdrop import paint_backdrop
from portraits.beard import paint_beard
from portraits.body import paint_body
from portraits.canvas import Canvas
from portraits.easel import Easel
from portraits.eyes import paint_brows, paint_eyes, paint_glasses
from portraits.fabric import paint_mask
from portraits.hair import paint_hair_behind, paint_hair_on_top
from portraits.head import paint_ears, paint_skin
from portraits.mask import Mask
from portraits.nose_and_mouth import paint_mouth, paint_nose
from portraits.person import Person
from portraits.shot import Camera, Light, Shot
from portraits.wrinkles import paint_age

SHARP: Final = 0.25
"""Pixels of blur that do not show."""
MIDDLE: Final = 127.5
"""Grey level that contrast turns about."""


def paint_portrait(
    person: Person, shot: Shot, mask: Mask | None, width: int, height: int, rng: np.random.Generator
) -> Image.Image:
    """Paint one photograph, from the back to the front.

    Args:
        person: Who is in it.
        shot: Pose, expression, light and camera.
        mask: What they wear on the face, if anything.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        rng: For texture and noise.

    Returns:
        An RGB image.
    """
    canvas, face = Canvas(width, height), person.face
    easel = Easel(canvas, shot)
    paint_backdrop(canvas, person.scene, shot.light, rng)
    paint_hair_behind(easel, person.hair, rng)
    paint_body(easel, person, rng)
    paint_ears(easel, face)
    head = paint_skin(easel, face, rng)
    paint_age(easel, face)
    paint_nose(easel, face)
    paint_beard(easel, face, head, rng)
    paint_mouth(easel, face)
    paint_eyes(easel, face)
    paint_brows(easel, face, rng)
    if mask is not None:
        paint_mask(easel, mask, face)
    if person.glasses is not None:
        paint_glasses(easel, person.glasses, face)
    paint_hair_on_top(easel, person.hair, rng)
    return _photograph(canvas, shot.light, shot.camera, rng)


def _photograph(canvas: Canvas, light: Light, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """Apply exposure, tint, blur and noise."""
    gain = np.asarray(light.tint, np.float32) * np.float32(light.exposure * camera.contrast * 255)
    pixels = canvas.pixels * gain
    pixels += np.float32(MIDDLE * (1 - camera.contrast) + 0.5)  # 0.5: the conversion below cuts off
    picture = Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))
    if camera.blur > SHARP:
        radius = (math.sqrt(1 + 12 * camera.blur**2) - 1) / 2  # a box of this radius has that standard deviation
        picture = picture.filter(ImageFilter.BoxBlur(radius))
    # After the blur, as a sensor's noise is added behind the lens; alike in all channels, as telephones filter colour.
    grain = rng.standard_normal((canvas.height, canvas.width, 1), np.float32) * np.float32(255 * camera.noise)
    noisy = np.asarray(picture, np.int16) + np.round(grain).astype(np.int16)
    return Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
