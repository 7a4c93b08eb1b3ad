"""Covers drawn on a batch of faces: outline, strings, cloth, light, in few operations on whole batches.

Values of a cover are tensors (n, 1, 1); planes are (n, H, W); see :mod:`maskfold.training.cover_shapes` for (u, v).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskfold.scheme import IntArray
from maskfold.training.cover_cloth import CHECKS, DOTS, PRINT, draw_cloth
from maskfold.training.cover_shapes import Use, draw_kinds, draw_shapes
from maskfold.training.transfer import to_device

Box = tuple[float, float, float, float]

NOSE = (0.52, 0.59)
"""Where the tip of the nose is in a detector's box, as shares of its width and height: median of 355 photographs."""
UNIT = (0.5, 0.41)
"""From there to a cheek (u = 1), and to the chin (v = 1), likewise."""

_COARSE = (10, 8)
"""Points of the coarse grids for light, folds and prints."""
_SHARPEST = 0.8
"""Width of the sharpest edge, in pixels."""
_SOFT_TINT = 0.17
"""Width of the edge of a tint; where the cloth really ends is seen by its colour."""
_LIKENESS = 0.15
"""How far a colour may be from that of the cloth below, to be taken for it."""


@dataclass(frozen=True)
class Drawn:
    """The drawn values of some covers, on the device."""

    names: dict[str, int]
    table: Tensor
    """Float32, (values, n, 1, 1)."""

    def __getitem__(self, name: str) -> Tensor:
        return self.table[self.names[name]]

    def of(self, rows: Tensor) -> Drawn:
        """Return the values of some of the covers."""
        return Drawn(self.names, self.table[:, rows])


@dataclass(frozen=True)
class Grid:
    """Coordinates on the faces of a batch."""

    u: Tensor
    v: Tensor
    pixels: float
    """Pixels of one unit."""

    def of(self, rows: Tensor) -> Grid:
        """Return the coordinates on some of the faces."""
        return Grid(self.u[rows], self.v[rows], self.pixels)


def draw_covers(
    images: Tensor, use: IntArray, tint: NDArray[np.bool_], face: Box, draws: np.random.Generator
) -> Tensor:
    """Draw one cover on each image.

    Args:
        images: Float32 in 0..1, (n, 3, H, W).
        use: What for, numbers of :class:`maskfold.training.cover_shapes.Use`, int64, (n,).
        tint: Whether cloth that is already there gets the new colours, in place of a shape drawn over it; bool, (n,).
        face: Where the detector's box is in the image: left, top, right, bottom as shares of its width and height.
        draws: Where the randomness comes from.

    Returns:
        New images.
    """
    device, size = images.device, (images.shape[-2], images.shape[-1])
    values = draw_shapes(draw_kinds(use, draws), draws)
    values |= draw_cloth(values, draws)
    values["tint"] = tint.astype(np.float32)
    values["low"] = (use == Use.WRONG).astype(np.float32)
    coarse = draws.standard_normal((2, len(use), *_COARSE), dtype=np.float32)
    table = to_device(np.stack(list(values.values())), device)[:, :, None, None]
    drawn = Drawn({name: number for number, name in enumerate(values)}, table)
    grid = face_grid(drawn, size, face)
    edge = distance_inside(drawn, grid)
    light, folds, prints = enlarged(torch.cat([light_on(images), to_device(coarse, device)]), size)

    below = images * (1 - _shadow(drawn, edge, grid))[:, None]
    _tie(below, drawn, grid, np.flatnonzero((values["strings"] > 0) & ~tint))
    colours = _flat(drawn, images, face)
    colours = _patterned(colours, drawn, grid, prints, np.flatnonzero(values["pattern"] > 0))
    colours = colours * _tone(drawn, grid, edge, light, folds)[:, None]
    share = cover_share(drawn, edge, grid)
    if tint.any():
        rows = to_device(np.flatnonzero(tint), device)
        share[rows] *= _likeness(drawn.of(rows), images[rows], face)
    return torch.lerp(below, colours, share[:, None]).clamp_(0, 1)


def face_grid(drawn: Drawn, size: tuple[int, int], face: Box) -> Grid:
    """Return the coordinates of each pixel's centre, turned and shifted as each cover is."""
    (height, width), device = size, drawn.table.device
    wide, high = face[2] - face[0], face[3] - face[1]
    x = ((torch.arange(width, device=device) + 0.5) / width - face[0]) / wide
    y = ((torch.arange(height, device=device) + 0.5) / height - face[1]) / high
    u = (x - NOSE[0])[None, None, :] / UNIT[0] - drawn["aside"]
    v = (y - NOSE[1])[None, :, None] / UNIT[1]
    angle = drawn["turn"] * (math.pi / 180)
    cos, sin = angle.cos(), angle.sin()
    return Grid(cos * u + sin * v, cos * v - sin * u, height * high * UNIT[1])


def distance_inside(drawn: Drawn, grid: Grid) -> Tensor:
    """Return about how far each pixel is inside the shape, in units; negative outside."""
    across, square = grid.u.abs(), grid.u * grid.u
    top = drawn["top"] + drawn["top_curve"] * square + drawn["top_slope"] * across
    bottom = drawn["bottom"] - drawn["bottom_curve"] * square - drawn["bottom_slope"] * across
    side = drawn["width"] + drawn["taper"] * grid.v - across
    return torch.minimum(torch.minimum(grid.v - top, bottom - grid.v), side)


def cover_share(drawn: Drawn, edge: Tensor, grid: Grid) -> Tensor:
    """Return how much of each pixel the cover hides, in 0..1: soft at the edge, softer where cloth is tinted."""
    softness = torch.lerp(drawn["softness"], torch.full_like(drawn["softness"], _SOFT_TINT), drawn["tint"])
    softness = (softness * grid.pixels).clamp_(min=_SHARPEST)
    return (edge * (grid.pixels / softness) + 0.5).clamp_(0, 1).mul_(drawn["opacity"])


def _tie(images: Tensor, drawn: Drawn, grid: Grid, chosen: IntArray) -> None:
    """Draw the strings of the chosen covers on their images."""
    if len(chosen):
        rows = to_device(chosen, images.device)
        some = drawn.of(rows)
        share = string_share(some, grid.of(rows))
        images[rows] = torch.lerp(images[rows], some["strings_tone"][:, None], share[:, None])


def string_share(drawn: Drawn, grid: Grid) -> Tensor:
    """Return how much of each pixel the strings hide, which go from the upper and lower corners to the ears."""
    width = drawn["width"]
    square = width * width
    top = drawn["top"] + drawn["top_curve"] * square + drawn["top_slope"] * width
    bottom = drawn["bottom"] - drawn["bottom_curve"] * square - drawn["bottom_slope"] * width
    bottom = torch.minimum(bottom, top + 0.8)
    ear = drawn["strings_at"]
    u, v = grid.u.abs(), grid.v
    upper = _square_distance(u, v, (width - 0.05, top + 0.08), (torch.full_like(width, 1.12), ear))
    lower = _square_distance(u, v, (width - 0.1, bottom - 0.08), (torch.full_like(width, 1.15), ear + 0.35))
    distance = torch.minimum(upper, lower).sqrt_()
    return ((drawn["strings_width"] - distance) * grid.pixels + 0.5).clamp_(0, 0.9)


def _square_distance(u: Tensor, v: Tensor, begin: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor]) -> Tensor:
    """Return the squared distance of each pixel from a segment."""
    across, down = end[0] - begin[0], end[1] - begin[1]
    u, v = u - begin[0], v - begin[1]
    along = ((u * across + v * down) / (across * across + down * down)).clamp_(0, 1)
    return (u - along * across).square_() + (v - along * down).square_()


def light_on(images: Tensor) -> Tensor:
    """Return the light on each face, coarsely, about 1 in its middle: (1, n, 10, 8)."""
    small = torch.nn.functional.adaptive_avg_pool2d(images, _COARSE).mean(dim=1)
    middle = small[:, 3:9, 2:6].mean(dim=(1, 2), keepdim=True).clamp_min(0.05)
    return (small / middle).clamp_(0.3, 1.7)[None]


def enlarged(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate coarse grids, (..., h, w), smoothly to a size; a product of matrices is faster than torch's."""
    down, across = (_weights(coarse.shape[axis - 2], size[axis], coarse.device) for axis in range(2))
    return down @ coarse @ across.T


def _weights(points: int, length: int, device: torch.device) -> Tensor:
    """Return the share of each coarse point in each pixel, (length, points): a raised cosine, so rows sum to 1."""
    place = torch.linspace(0, points - 1, length, device=device)
    distance = (place[:, None] - torch.arange(points, device=device)).abs_().clamp_(max=1)
    return (distance * math.pi).cos_().add_(1).div_(2)


def _patterned(colours: Tensor, drawn: Drawn, grid: Grid, prints: Tensor, chosen: IntArray) -> Tensor:
    """Return the covers' colours, (n, 3, 1, 1) or (n, 3, H, W), with the patterns of the chosen ones."""
    if len(chosen) == 0:
        return colours
    rows = to_device(chosen, colours.device)
    some = drawn.of(rows)
    share = pattern_share(some, grid.of(rows), prints[rows])
    second = torch.stack([some[f"second_{channel}"] for channel in "rgb"], dim=1)
    colours = colours.expand(-1, -1, *prints.shape[-2:]).contiguous()
    colours[rows] = torch.lerp(colours[rows], second, share[:, None])
    return colours


def pattern_share(drawn: Drawn, grid: Grid, prints: Tensor) -> Tensor:
    """Return the share of the second colour in each pixel: stripes, dots, checks, or blots of a print."""
    angle, frequency, phase = drawn["angle"], drawn["frequency"], drawn["phase"]
    cos, sin = angle.cos() * frequency, angle.sin() * frequency
    one = (cos * grid.u + sin * grid.v + phase).sin_()
    two = (cos * grid.v - sin * grid.u + phase).sin_()
    both = one * two
    kind = drawn["pattern"]
    field = torch.where(kind == DOTS, both - 0.35, one)
    field = torch.where(kind == CHECKS, both * 3, field)
    field = torch.where(kind == PRINT, prints + 0.4 * both, field)
    return (field * 4 + 0.5).clamp_(0, 1)


def _flat(drawn: Drawn, images: Tensor, face: Box) -> Tensor:
    """Return the first colour of each cover, (n, 3, 1, 1): the drawn one, the cheekbones', or the hair's."""
    first = torch.stack([drawn[f"first_{channel}"] for channel in "rgb"], dim=1)
    skin = _mean_of(images, face, (-0.5, 0.5), (-0.4, -0.05)) * drawn["skin_tone"][:, None]
    hair = _mean_of(images, face, (-0.4, 0.4), (-1.5, -1.2)) * drawn["hair_tone"][:, None]
    return torch.lerp(torch.lerp(first, skin, drawn["skin"][:, None]), hair, drawn["hair"][:, None])


def _mean_of(images: Tensor, face: Box, across: tuple[float, float], down: tuple[float, float]) -> Tensor:
    """Return the mean colour of a rectangle of the face, in (u, v): (n, 3, 1, 1)."""
    spans = []
    for axis, (begin, end) in ((1, down), (0, across)):
        length, origin, extent = images.shape[3 - axis], face[axis], face[axis + 2] - face[axis]
        low, high = (int((origin + extent * (NOSE[axis] + UNIT[axis] * one)) * length) for one in (begin, end))
        low = min(max(low, 0), length - 1)
        spans.append(slice(low, max(high, low + 1)))
    return images[:, :, spans[0], spans[1]].mean(dim=(2, 3), keepdim=True)


def _tone(drawn: Drawn, grid: Grid, edge: Tensor, light: Tensor, folds: Tensor) -> Tensor:
    """Return the brightness of each pixel of the cloth: roundness, light, folds, pleats, ridge, hem and valve."""
    u, v = grid.u, grid.v
    tone = (u * u).clamp_(max=1.2).mul_(drawn["round"])  # darkening, subtracted below
    tone = drawn["light_u"] * u + drawn["light_v"] * (v - 0.5) - tone
    tone += drawn["folds"] * folds
    tone += (drawn["ridge"] * 10) * (u - drawn["ridge_at"]).clamp_(-0.1, 0.1)
    wave = ((v - 0.12 * u * u) * drawn["pleats_count"] + drawn["phase"]).remainder_(1.0)
    tone += drawn["pleats"] * (wave * 3).clamp_(max=1).sub_(0.7)
    tone += drawn["hem_tone"] * ((drawn["hem"] - edge) * grid.pixels).clamp_(0, 1) * (drawn["hem"] > 0)
    spot = ((u - drawn["valve_u"]).square_() + (v - drawn["valve_v"]).square_()).sqrt_()
    tone += drawn["valve_tone"] * ((drawn["valve"] - spot) * grid.pixels).clamp_(0, 1)
    return (tone + 1).mul_(1 + drawn["follow"] * (light - 1)).clamp_(0.05, 2)


def _shadow(drawn: Drawn, edge: Tensor, grid: Grid) -> Tensor:
    """Return how much darker the face is beside a cover; nothing beside cloth that is only tinted."""
    strength = drawn["shadow"] * (1 - drawn["tint"])
    return (edge * (grid.pixels / 5) + 1).clamp_(0, 1).mul_(strength)


def _likeness(drawn: Drawn, images: Tensor, face: Box) -> Tensor:
    """Return how much each pixel's colour resembles that of the cloth already there, in 0..1, (n, H, W)."""
    over = _mean_of(images, face, (-0.4, 0.4), (0.3, 0.65))
    below = _mean_of(images, face, (-0.3, 0.3), (0.6, 0.9))
    distance = (images - torch.lerp(over, below, drawn["low"][:, None])).square_().sum(dim=1)
    return distance.mul_(-0.5 / _LIKENESS**2).exp_().mul_(1.6).clamp_(max=1)
