"""Lines and outlines: (N, 2) or (N, 3) points, in whatever unit the caller uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Point = tuple[float, float]


def curve(points: ArrayLike, closed: bool = True, steps: int = 8) -> Points:
    """Return a smooth line through points (a uniform Catmull-Rom spline).

    Args:
        points: (N, D).
        closed: Whether the last point joins the first.
        steps: Points a segment; with eight, no corner shows at the largest scale of a face.
    """
    p = np.asarray(points, np.float64)
    if closed:
        p0, p1, p2, p3 = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        padded = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
        p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    p0, p1, p2, p3 = (q[:, None, :] for q in (p0, p1, p2, p3))
    line = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3)
    line = line.reshape(-1, p.shape[1])
    return line if closed else np.vstack([line, p[-1]])


def arc(*points: Iterable[float]) -> Points:
    """Return a smooth open line through points."""
    return curve(np.array([[*point] for point in points]), closed=False)


def mirrored(half: Iterable[Point], *middle: Point) -> list[Point]:
    """Return points of one half, then those in the middle, then the half's mirror images (at -x) in reverse."""
    half = list(half)
    return [*half, *middle, *((-x, y) for x, y in reversed(half))]


def ribbon(line: Points, width: float | Sequence[float]) -> Points:
    """Return the outline of a line of some width: one width, or several spread evenly along the line."""
    along = np.linspace(0, 1, len(line))
    widths = np.interp(along, np.linspace(0, 1, np.size(width)), np.atleast_1d(width))
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)[:, None]
    offset = direction[:, ::-1] * (-0.5, 0.5) * widths[:, None]
    return np.vstack([line + offset, (line - offset)[::-1]])


def moved(points: ArrayLike, x: float, y: float) -> Points:
    """Return (N, 2) points, shifted."""
    return np.asarray(np.add(points, (x, y)), np.float64)


def ellipse(x: float, y: float, rx: float, ry: float, points: int = 28) -> Points:
    """Return the outline of an ellipse; 28 points stay within half a pixel of it up to a radius of 80 pixels."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def at_depth(line: ArrayLike, depth: ArrayLike) -> Points:
    """Return (N, 3) points: an (N, 2) line at a depth, one number or (N,)."""
    flat = np.asarray(line, np.float64)
    return np.column_stack([flat, np.broadcast_to(np.asarray(depth, np.float64), len(flat))])
