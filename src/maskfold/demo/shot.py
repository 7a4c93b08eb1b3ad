"""What differs from one photograph of a person to the next: pose, expression, light and camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from maskfold.demo.canvas import Array, Box, Points

DEPTH_OF_NECK = 0.45
"""Depth, in face units, of the axis that a head turns and nods about."""


def surface(x: ArrayLike, y: ArrayLike) -> Points:
    """Return the depth of a head's surface, an ellipsoid, above face coordinates x, y; 0 outside."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.asarray(1.05 * np.sqrt(np.clip(1 - (x / 1.08) ** 2 - (y / 1.8) ** 2, 0, None)))


@dataclass(frozen=True)
class Pose:
    """Where a head is and how it is turned.

    Face coordinates: x to the picture's right, y down, z towards the camera; the origin lies between the eyes, the
    unit is half the face's width, the chin is near y = 1.6. *Local* coordinates are face coordinates after turning,
    still upright and in face units.
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
        z = (p[:, 2] if p.shape[1] == 3 else surface(p[:, 0], p[:, 1])) - DEPTH_OF_NECK
        return np.column_stack(
            [p[:, 0] * np.cos(self.yaw) + z * np.sin(self.yaw), p[:, 1] * np.cos(self.pitch) + z * np.sin(self.pitch)]
        )

    def place(self, local: ArrayLike) -> Points:
        """Return picture coordinates, pixels, of local ones."""
        p = np.asarray(local, np.float64) * self.scale
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return np.column_stack([self.x + cos * p[:, 0] - sin * p[:, 1], self.y + sin * p[:, 0] + cos * p[:, 1]])

    def project(self, points: ArrayLike) -> Points:
        """Return picture coordinates, pixels, of face points, (N, 2) on the surface or (N, 3)."""
        return self.place(self.turn(points))

    def grid(self, box: Box) -> tuple[Array, Array]:
        """Return the local coordinates u, v of a box's pixels, float32, (height, width) each."""
        x = (np.arange(box.left, box.right, dtype=np.float32) + np.float32(0.5 - self.x)) / np.float32(self.scale)
        y = (np.arange(box.top, box.bottom, dtype=np.float32) + np.float32(0.5 - self.y)) / np.float32(self.scale)
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return cos * x[None] + sin * y[:, None], cos * y[:, None] - sin * x[None]

    def relaxed(self, share: float) -> Pose:
        """Return the pose of the body below: turned and tilted by a share only."""
        return Pose(self.x, self.y, self.scale, self.roll * share, self.yaw * share, self.pitch * share)


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
    size = min(width / 384, height / 512)
    pose = Pose(
        x=width / 2 + rng.normal(0, 12) * size,
        y=height * 0.43 + rng.normal(0, 12) * size,
        scale=float(np.clip(rng.normal(74, 6), 60, 90)) * size,
        roll=float(np.clip(rng.normal(0, 0.05), -0.15, 0.15)),
        yaw=float(np.clip(rng.normal(0, 0.11), -0.28, 0.28)),
        pitch=float(np.clip(rng.normal(0, 0.06), -0.15, 0.15)),
    )
    smile = float(np.clip(rng.normal(0.4, 0.35), -0.2, 1))
    expression = Expression(
        smile=smile,
        opening=float(max(0.0, rng.normal(-0.06, 0.06) + 0.12 * smile)),
        lids=float(np.clip(rng.normal(1 - 0.12 * max(smile, 0), 0.1), 0.7, 1.2)),
        gaze=(float(rng.normal(0, 0.015)), float(rng.normal(0, 0.008))),
        brows=float(rng.normal(0, 0.025)),
    )
    towards = np.array([rng.normal(0, 0.45), rng.normal(-0.45, 0.2), 1.0])
    towards /= np.linalg.norm(towards)
    warmth = rng.normal(0, 0.035)
    light = Light(
        direction=(float(towards[0]), float(towards[1]), float(towards[2])),
        ambient=float(rng.uniform(0.42, 0.64)),
        tint=(float(1 + warmth), float(1 + rng.normal(0, 0.01)), float(1 - warmth)),
        exposure=float(np.clip(rng.normal(0.99, 0.08), 0.8, 1.16)),
    )
    camera = Camera(
        blur=float(max(0.0, rng.normal(0.35, 0.35))) * size,
        noise=float(rng.uniform(0.004, 0.022)),
        contrast=float(rng.normal(1.0, 0.06)),
        quality=int(rng.integers(78, 96)),
    )
    return Shot(pose, expression, light, camera)
