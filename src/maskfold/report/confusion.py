"""Confusion matrices as pictures: colour is the share of the true class, numbers are images."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from maskfold.ensemble.combination import Voter
from maskfold.ensemble.scores import confusion
from maskfold.ensemble.tables import answers
from maskfold.labels import ATTRIBUTES, N_AGE, N_GENDER, IntArray, class_names
from maskfold.theme import Palette


def draw_joint(figure: Figure, voter: Voter, bounds: tuple[int, int], palette: Palette) -> None:
    """Draw the 18 x 18 matrix, with lines between the mask states and, finer, between the genders."""
    axes = figure.subplots()
    counts = confusion("joint", voter.true, voter.predicted)
    image = _matrix(axes, counts, class_names("joint", bounds), palette, size=6.5)
    for edge in range(N_AGE, len(counts), N_AGE):
        width = 1.4 if edge % (N_AGE * N_GENDER) == 0 else 0.5
        axes.axhline(edge - 0.5, color=palette.faint, linewidth=width)
        axes.axvline(edge - 0.5, color=palette.faint, linewidth=width)
    axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=25, pad=0.02)
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)


def draw_attributes(figure: Figure, voter: Voter, bounds: tuple[int, int], palette: Palette) -> None:
    """Draw the matrices of mask, gender and age that a voter's joint answers imply."""
    implied = answers(voter)
    for axes, attribute in zip(figure.subplots(1, len(ATTRIBUTES)), ATTRIBUTES, strict=True):
        counts = confusion(attribute, *implied[attribute])
        _matrix(axes, counts, class_names(attribute, bounds), palette, size=9, shares=True)
        right = counts.trace() / max(counts.sum(), 1)
        axes.set_title(f"{attribute}: {right:.1%} right")
        axes.set_xlabel("answered")
        axes.set_ylabel("true")


def _matrix(
    axes: Any, counts: IntArray, names: list[str], palette: Palette, *, size: float, shares: bool = False
) -> Any:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap=palette.colormap, vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (row, column), count in np.ndenumerate(counts):
        if count == 0:
            continue
        text = f"{count:,}\n{share[row, column]:.0%}" if shares else f"{count}"
        color = _readable_on(palette, share[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    return image


def _readable_on(palette: Palette, share: float) -> str:
    """Return the colour, of ink and paper, that stands out more from the ramp's colour (WCAG 2.2, contrast ratio)."""
    ground = _luminance(palette.colormap(share)[:3])
    return max((palette.ink, palette.paper), key=lambda color: _contrast(_luminance(_rgb(color)), ground))


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _luminance(rgb: tuple[float, float, float]) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: float, second: float) -> float:
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
