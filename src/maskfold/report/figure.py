"""A figure: a drawing, and the words that go with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure as Canvas
from PIL import Image

from maskfold.theme import Palette, canvas

WIDTH: Final = 8.4
"""Inches; as wide as the page."""
NARROW: Final = 3.6
"""Inches; as wide as a telephone."""
_LETTERS: Final = 54
"""Of a class's name, where one figure has the whole width."""
_COLOURS: Final = 48
"""Of a stored picture: a third of the bytes, and no difference to the eye."""


@dataclass(frozen=True)
class Figure:
    """One picture, drawn on demand in any palette, for wide screens and for narrow ones."""

    name: str
    """File name without extension."""
    title: str
    caption: str
    """How to read it."""
    alt: str
    """What it says, for readers who cannot see it."""
    height: float
    """Inches."""
    narrow_height: float
    """Inches, on a narrow screen."""
    draw: Callable[[Canvas, Palette], None]
    """Draws on a canvas of either width; see :func:`is_narrow`."""

    def save(self, folder: Path, palette: Palette, *, narrow: bool = False) -> Path:
        """Draw it and return the PNG's path."""
        path = folder / f"{self.name}.png"
        size = (NARROW, self.narrow_height) if narrow else (WIDTH, self.height)
        with canvas(path, palette, *size) as drawing:
            self.draw(drawing, palette)
        with Image.open(path) as drawn:
            few = shrunk(drawn)
        few.save(path, optimize=True)
        return path


def shrunk(drawn: Image.Image) -> Image.Image:
    """Return a drawing with a table of colours, which needs a fraction of the bytes as a PNG."""
    return drawn.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)


def is_narrow(drawing: Canvas) -> bool:
    """Whether a canvas is for a narrow screen."""
    return bool(drawing.get_figwidth() < (NARROW + WIDTH) / 2)


def fitting(names: Sequence[str], drawing: Canvas, panels: int = 1) -> list[str]:
    """Return names that leave room for what they name: of long ones the first letters.

    Args:
        names: Of classes.
        drawing: Where they go.
        panels: How many stand beside each other on a wide screen.
    """
    most = _LETTERS // max(panels, 2) if is_narrow(drawing) else _LETTERS // panels
    return [name if len(name) <= most else f"{name[: most - 1]}…" for name in names]


def legend(drawing: Canvas, axes: Any, title: str | None = None) -> None:
    """Explain the lines of a figure: to the right of them, on a narrow screen below."""
    look = {"title": title, "alignment": "left"}
    if is_narrow(drawing):
        handles, labels = axes.get_legend_handles_labels()
        columns = 2 if max(map(len, labels), default=0) < 16 else 1
        drawing.legend(handles, labels, loc="outside lower left", ncols=columns, **look)
    else:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), **look)


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
