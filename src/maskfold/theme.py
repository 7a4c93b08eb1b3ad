"""How figures look: two palettes, one set of type sizes, no global state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

DPI: Final = 150


@dataclass(frozen=True)
class Palette:
    """Colours of a figure."""

    name: str
    paper: str
    ink: str
    faint: str
    """Secondary text."""
    grid: str
    accent: str
    """The most important element, such as the vote."""
    quiet: str
    """Elements that are compared with it."""
    series: tuple[str, ...]
    """Distinguishable with colour blindness (after Okabe and Ito, 2008)."""
    ramp: tuple[str, ...]
    """From the lowest to the highest value."""

    @property
    def colormap(self) -> Colormap:
        """The ramp as a continuous map."""
        return LinearSegmentedColormap.from_list(f"maskfold-{self.name}", list(self.ramp))


LIGHT: Final = Palette(
    name="light",
    paper="#ffffff",
    ink="#1d2530",
    faint="#5b6675",
    grid="#e3e7ec",
    accent="#0b6e99",
    quiet="#b4c0cc",
    series=("#0b6e99", "#d9730d", "#0f9d76", "#b8478f", "#8a6d00", "#5a6b7b"),
    ramp=("#ffffff", "#cfe6f1", "#7dbbd6", "#2b87b0", "#0a4d6e"),
)
DARK: Final = Palette(
    name="dark",
    paper="#171c23",
    ink="#e6eaf0",
    faint="#a3adba",
    grid="#2c343f",
    accent="#5bb8e0",
    quiet="#5a6675",
    series=("#5bb8e0", "#f0a35c", "#4fcfa8", "#e08cc3", "#d9bd4a", "#a3b1bf"),
    ramp=("#171c23", "#1d3f52", "#246a8b", "#3f9dc6", "#a9def5"),
)


def settings(palette: Palette) -> dict[str, Any]:
    """Return matplotlib's settings for a palette."""
    return {
        "font.family": "DejaVu Sans",  # ships with matplotlib: the same figure on every machine
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelsize": 9,
        "axes.labelcolor": palette.faint,
        "axes.titlecolor": palette.ink,
        "axes.edgecolor": palette.grid,
        "axes.facecolor": palette.paper,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "text.color": palette.ink,
        "xtick.color": palette.faint,
        "ytick.color": palette.faint,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "figure.facecolor": palette.paper,
        "figure.constrained_layout.h_pad": 0.08,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "lines.linewidth": 1.6,
        "savefig.dpi": DPI,
    }


@contextlib.contextmanager
def canvas(path: Path, palette: Palette, width: float, height: float) -> Iterator[Figure]:
    """Draw one figure and save it as PNG.

    Args:
        path: Where it is saved at the end.
        palette: Its colours.
        width: Inches.
        height: Inches.

    Yields:
        The empty figure, laid out by matplotlib's constrained layout.
    """
    with mpl.rc_context(settings(palette)):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path, format="png", metadata={"Software": None})
