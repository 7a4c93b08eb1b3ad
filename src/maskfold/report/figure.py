"""A figure: a drawing, and the words that go with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure as Canvas

from maskfold.theme import Palette, canvas

WIDTH: Final = 8.4
"""Inches; as wide as the page."""


@dataclass(frozen=True)
class Figure:
    """One picture, drawn on demand in any palette."""

    name: str
    """File name without extension."""
    title: str
    caption: str
    """How to read it."""
    alt: str
    """What it says, for readers who cannot see it."""
    height: float
    """Inches."""
    draw: Callable[[Canvas, Palette], None]

    def save(self, folder: Path, palette: Palette) -> Path:
        """Draw it and return the PNG's path."""
        path = folder / f"{self.name}.png"
        with canvas(path, palette, WIDTH, self.height) as drawing:
            self.draw(drawing, palette)
        return path


def rows_of_panels(count: int, most: int) -> tuple[int, int]:
    """Return rows and columns for a number of panels, at most ``most`` beside each other, in rows of equal length."""
    rows = math.ceil(count / most)
    return rows, math.ceil(count / rows)


def panels(drawing: Canvas, count: int, most: int) -> list[Any]:
    """Return the axes of that many panels; what is left of the last row stays empty."""
    rows, columns = rows_of_panels(count, most)
    grid = drawing.subplots(rows, columns, squeeze=False).ravel()
    for unused in grid[count:]:
        unused.set_axis_off()
    return list(grid[:count])
