"""What is behind the person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portraits.canvas import Canvas, Cover, cloud
from portraits.outline import ellipse
from portraits.person import Scene
from portraits.shot import Light


def paint_backdrop(canvas: Canvas, scene: Scene, light: Light, rng: np.random.Generator) -> None:
    """Paint the backdrop: the same room in all photographs of a person, seen from slightly different places."""
    x = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None]
    canvas.pixels[:] = np.asarray(scene.wall).astype(np.float32)
    fixed = np.random.default_rng(scene.seed)
    drift = rng.normal(0, 0.06, 2)  # of the camera, in picture widths and heights
    if scene.backdrop == "gradient":
        slope = fixed.normal(0, 0.5, 2)
        mix = np.clip(0.5 + slope[0] * (x + drift[0]) + slope[1] * (y + drift[1]), 0, 1)
        canvas.paint(Cover(canvas.whole.box, mix.astype(np.float32)), scene.accent, 0.8)
    elif scene.backdrop == "wall":
        _paint_plaster(canvas, rng, fixed)
    elif scene.backdrop == "bokeh":
        _paint_bokeh(canvas, scene, drift, fixed)
    elif scene.backdrop == "panels":
        _paint_panels(canvas, scene, drift, fixed)
    # The side towards the light is brighter; corners are darker, as behind any lens.
    fall = 1 + 0.18 * light.direction[0] * x - 0.05 * (x**2 + y**2)
    canvas.shade(canvas.whole, fall[..., None])


def _paint_plaster(canvas: Canvas, rng: np.random.Generator, fixed: np.random.Generator) -> None:
    # Fine grain of 6 pixels, and stains of a third of the picture's width, which stay from photograph to photograph.
    whole = canvas.whole
    grain = 0.025 * cloud(rng, whole.alpha.shape, 6)[..., None]
    canvas.shade(whole, 1 + grain + 0.06 * cloud(fixed, whole.alpha.shape, 110)[..., None])


def _paint_bokeh(canvas: Canvas, scene: Scene, drift: NDArray[np.float64], fixed: np.random.Generator) -> None:
    """Paint lights far out of focus."""
    for _ in range(16):  # enough to fill the picture, few enough to be distinguishable
        cx, cy = (fixed.random(2) + drift) * (canvas.width, canvas.height)
        r = fixed.uniform(0.03, 0.13) * canvas.width
        disc = canvas.cover(ellipse(cx, cy, r, r), blur=0.03 * canvas.width)
        canvas.paint(disc, _between_colours(scene, fixed.uniform(-0.5, 1)), 0.7)


def _paint_panels(canvas: Canvas, scene: Scene, drift: NDArray[np.float64], fixed: np.random.Generator) -> None:
    """Paint doors, shelves and window frames: upright bands, three of five down to the floor."""
    for _ in range(5):
        left, span = (fixed.uniform(-0.2, 1) + drift[0]) * canvas.width, fixed.uniform(0.05, 0.35) * canvas.width
        bottom = canvas.height if fixed.random() < 0.6 else fixed.uniform(0.2, 0.7) * canvas.height
        corners = np.array([(left, 0), (left + span, 0), (left + span, bottom), (left, bottom)])
        tone = _between_colours(scene, fixed.uniform(-0.3, 1))
        canvas.paint(canvas.cover(corners, blur=0.006 * canvas.width), tone, 0.8)  # slightly out of focus


def _between_colours(scene: Scene, share: float) -> NDArray[np.float64]:
    """Mix the wall's colour (0) and the accent (1); a negative share leads away from the accent."""
    wall = np.asarray(scene.wall)
    return np.asarray(np.clip(wall + (np.asarray(scene.accent) - wall) * share, 0, 1))
