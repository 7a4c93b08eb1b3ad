"""What differs from one photograph of a person to the next: pose, expression, light and camera."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from portraits.canvas import Array, Box
from portraits.chance import bounded
from portraits.outline import Points

STANDARD: Final = (384, 512)
"""Width and height, pixels, of the competition's photographs, to which lengths in pixels below refer."""
AXIS_DEPTH: Final = 0.45
"""Depth, face units, of the axis that a head turns about: between the outline's depth (0.3) and the cheeks', so that a
turned head stays in its place in the picture and only its features move sideways."""


def surface(x: ArrayLike, y: ArrayLike) -> Points:
    """Return the depth of a head's surface, an ellipsoid, above face coordinates x, y; 0 outside."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    # Wider and taller than the face (1 and 1.64), so that the face's edge still has some depth; as deep as it is wide.
    return np.asarray(1.05 * np.sqrt(np.clip(1 - (x / 1.08) ** 2 - (y / 1.8) ** 2, 0, None)))


@dataclass(frozen=True)
class Pose:
    """Where a head is and how it is turned.

    Face coordinates: x to the picture's right, y down, z towards the camera; the origin is between the eyes, the unit
    is half the face's width, the chin is near y = 1.6. *Local* coordinates are face coordinates after turning, still
    upright and in face units.
    """

    x: float
    """Picture position of the origin, pixels."""
    y: float
    scale: float
    """Pixels per face unit."""
    roll: float
    """Radians, clockwise."""
    yaw: float
    """Radians, towards the picture's right."""
    pitch: float
    """Radians, downwards."""

    def turn(self, points: ArrayLike) -> Points:
        """Return local coordinates, (N, 2), of face points, (N, 2) on the surface or (N, 3)."""
        p = np.atleast_2d(np.asarray(points, np.float64))
        z = (p[:, 2] if p.shape[1] == 3 else surface(p[:, 0], p[:, 1])) - AXIS_DEPTH
        return np.column_stack(
            [p[:, 0] * np.cos(self.yaw) + z * np.sin(self.yaw), p[:, 1] * np.cos(self.pitch) + z * np.sin(self.pitch)]
        )

    def project(self, points: ArrayLike) -> Points:
        """Return picture coordinates, pixels, of face points, (N, 2) on the surface or (N, 3)."""
        p = self.turn(points) * self.scale
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return np.column_stack([self.x + cos * p[:, 0] - sin * p[:, 1], self.y + sin * p[:, 0] + cos * p[:, 1]])

    def grid(self, box: Box) -> tuple[Array, Array]:
        """Return the local coordinates u, v of a box's pixels, float32, (height, width) each."""
        # Half a pixel: a pixel's centre.
        x = (np.arange(box.left, box.right, dtype=np.float32) + np.float32(0.5 - self.x)) / np.float32(self.scale)
        y = (np.arange(box.top, box.bottom, dtype=np.float32) + np.float32(0.5 - self.y)) / np.float32(self.scale)
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return cos * x[None] + sin * y[:, None], cos * y[:, None] - sin * x[None]

    def relaxed(self, share: float) -> Pose:
        """Return the pose of the body below: turned and tilted by a share only."""
        return dataclasses.replace(self, roll=self.roll * share, yaw=self.yaw * share, pitch=self.pitch * share)


@dataclass(frozen=True)
class Expression:
    """What the face does."""

    smile: float
    """-0.3 (grave) .. 1 (broad)."""
    opening: float
    """Of the lips, face units; 0 closed."""
    lids: float
    """Of the eyes: 1 as usual, less when squinting."""
    gaze: tuple[float, float]
    """Shift of the irises, face units."""
    brows: float
    """Lift of the brows, face units."""


@dataclass(frozen=True)
class Light:
    """The light of one photograph."""

    direction: tuple[float, float, float]
    """Unit vector towards the light in face axes (y down)."""
    ambient: float
    """Share of light that comes from everywhere, 0..1."""
    tint: tuple[float, float, float]
    exposure: float

    def on(self, share: float) -> float:
        """Return the brightness of a small flat part that receives a share of the direct light."""
        return self.ambient + share * (1 - self.ambient)


@dataclass(frozen=True)
class Camera:
    """What the camera adds."""

    blur: float
    """Standard deviation in pixels."""
    noise: float
    """Standard deviation of pixel values, 0..1."""
    contrast: float
    quality: int
    """Of the JPEG."""


@dataclass(frozen=True)
class Shot:
    """Everything about one photograph but the person and the mask."""

    pose: Pose
    expression: Expression
    light: Light
    camera: Camera


def sample_shot(rng: np.random.Generator, width: int, height: int) -> Shot:
    """Draw the circumstances of one photograph of a given size in pixels."""
    size = min(width / STANDARD[0], height / STANDARD[1])
    pose = Pose(
        # People stand within a few per cent of the middle, the eyes above it: the shoulders need room.
        x=width / 2 + rng.normal(0, 12) * size,
        y=height * 0.43 + rng.normal(0, 12) * size,
        # A face takes two fifths of the width. At 90 the highest hair still fits into the picture; 60 is about as far
        # from the mean.
        scale=bounded(rng, 74, 6, 60, 90) * size,
        # Someone who looks into the camera is off by 3 to 6 degrees. Beyond 9 and 16 degrees the flat features would
        # no longer look attached to a turned head.
        roll=bounded(rng, 0, 0.05, -0.15, 0.15),
        yaw=bounded(rng, 0, 0.11, -0.28, 0.28),
        pitch=bounded(rng, 0, 0.06, -0.15, 0.15),
    )
    expression = _sample_expression(rng)
    light = _sample_light(rng)
    camera = Camera(
        blur=max(0.0, rng.normal(0.35, 0.35)) * size,  # from sharp to a slight shake of the hand
        noise=rng.uniform(0.004, 0.022),  # 1 to 6 of 255: from daylight to a dim room
        contrast=rng.normal(1.0, 0.06),
        quality=int(rng.integers(78, 96)),  # what telephones and image editors use
    )
    return Shot(pose, expression, light, camera)


def _sample_expression(rng: np.random.Generator) -> Expression:
    smile = bounded(rng, 0.4, 0.35, -0.2, 1)  # most people smile a little for a photograph
    return Expression(
        smile=smile,
        opening=max(0.0, rng.normal(-0.06, 0.06) + 0.12 * smile),  # on average only smiles above 0.5 show teeth
        # A smile narrows the eyes. Below 0.7 they look shut, above 1.2 frightened.
        lids=bounded(rng, 1 - 0.12 * max(smile, 0), 0.1, 0.7, 1.2),
        gaze=(rng.normal(0, 0.015), rng.normal(0, 0.008)),  # a pixel: they look into the camera
        brows=rng.normal(0, 0.025),
    )


def _sample_light(rng: np.random.Generator) -> Light:
    # Lamps and sky are above: 24 degrees up on average, and as far to either side.
    towards = np.array([rng.normal(0, 0.45), rng.normal(-0.45, 0.2), 1.0])
    towards /= np.linalg.norm(towards)
    x, y, z = (float(part) for part in towards)
    warmth = rng.normal(0, 0.035)  # what a camera's white balance leaves of lamplight (warm) or shade (cold)
    return Light(
        direction=(x, y, z),
        ambient=rng.uniform(0.42, 0.64),  # walls return about half; with less, one side of the face would be black
        tint=(1 + warmth, 1 + rng.normal(0, 0.01), 1 - warmth),  # green stays: people notice a green cast at once
        exposure=bounded(rng, 0.99, 0.08, 0.8, 1.16),  # automatic exposure is right to a third of a stop
    )
