"""A finished photograph: person, circumstances and mask put together."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from maskfold.demo.body import paint_backdrop, paint_body
from maskfold.demo.canvas import Canvas
from maskfold.demo.features import paint_brows, paint_eyes, paint_glasses, paint_mouth, paint_nose
from maskfold.demo.hair import paint_hair_behind, paint_hair_on_top
from maskfold.demo.head import paint_age, paint_beard, paint_ears, paint_skin
from maskfold.demo.mask import Mask, paint_mask
from maskfold.demo.person import Person
from maskfold.demo.shot import Camera, Light, Shot


def paint_portrait(
    person: Person, shot: Shot, mask: Mask | None, width: int, height: int, rng: np.random.Generator
) -> Image.Image:
    """Paint one photograph.

    Args:
        person: Who is on it.
        shot: Pose, expression, light and camera.
        mask: What they wear on the face, if anything.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        rng: For texture and noise.

    Returns:
        An RGB image.
    """
    canvas = Canvas(width, height)
    paint_backdrop(canvas, person.scene, shot, rng)
    paint_hair_behind(canvas, person.hair, shot, rng)
    paint_body(canvas, person, shot, rng)
    paint_ears(canvas, person.face, shot)
    head = paint_skin(canvas, person.face, shot, rng)
    paint_age(canvas, person.face, shot)
    paint_nose(canvas, person.face, shot)
    paint_beard(canvas, person.face, shot, head, rng)
    paint_mouth(canvas, person.face, shot)
    paint_eyes(canvas, person.face, shot)
    paint_brows(canvas, person.face, shot, rng)
    if mask is not None:
        paint_mask(canvas, mask, person.face, shot)
    if person.glasses is not None:
        paint_glasses(canvas, person.glasses, person.face, shot)
    paint_hair_on_top(canvas, person.hair, shot, rng)
    return _photograph(canvas, shot.light, shot.camera, rng)


def _photograph(canvas: Canvas, light: Light, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """Apply exposure, tint, blur and noise."""
    gain = np.asarray(light.tint, np.float32) * np.float32(light.exposure * camera.contrast * 255)
    pixels = canvas.pixels * gain
    pixels += np.float32(127.5 * (1 - camera.contrast) + 0.5)
    picture = Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))
    if camera.blur > 0.25:  # less would not show
        radius = (math.sqrt(1 + 12 * camera.blur**2) - 1) / 2  # a box of this radius has that standard deviation
        picture = picture.filter(ImageFilter.BoxBlur(radius))
    grain = rng.standard_normal((canvas.height, canvas.width, 1), np.float32) * np.float32(255 * camera.noise)
    noisy = np.asarray(picture, np.int16) + np.round(grain).astype(np.int16)
    return Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
