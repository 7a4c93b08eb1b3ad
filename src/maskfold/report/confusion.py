"""Figures: which classes the vote confuses. Colour is the share of the true class, numbers are images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import Voter
from maskfold.ensemble.scores import confusion
from maskfold.report.figure import Figure, fitting, is_narrow, panels, rows_of_panels
from maskfold.report.numbers import percent, whole_percent
from maskfold.scheme import IntArray, Scheme
from maskfold.theme import Palette

MOST: Final = 64
"""Most classes of a matrix that is drawn."""
_NUMBERED: Final = 32
"""Most classes of a matrix with room for numbers in its cells."""
_NUMBERED_NARROW: Final = 6
"""The same on a narrow screen."""
_LETTERS: Final = 28
"""Most letters below a matrix; longer class names are written upwards, so that they do not overlap."""


def figures(vote: Voter) -> list[Figure]:
    """Return the matrix of the joint classes and those of the attributes, without those too large to draw."""
    scheme = vote.scheme
    found = [_joint(vote)] if scheme.n_classes <= MOST else []
    shown = drawn_attributes(scheme)
    return [*found, _attributes(vote, shown)] if shown else found


def drawn_attributes(scheme: Scheme) -> list[str]:
    """Return the attributes that have a matrix of their own."""
    return [name for name in scheme.parts if scheme.size(name) <= MOST]


def undrawn(scheme: Scheme) -> str:
    """Return a sentence that names the matrices too large to draw, with a blank before it; empty if there are none."""
    large = ["joint classes"] * (scheme.n_classes > MOST)
    large += [f"classes of {name}" for name in scheme.parts if scheme.size(name) > MOST]
    return (
        f" Too large to draw, and in the tables alone: the matrix of the {' and of the '.join(large)}." if large else ""
    )


def _joint(vote: Voter) -> Figure:
    scheme, names = vote.scheme, vote.scheme.class_names()
    counts = confusion(vote.true, vote.predicted, len(names))
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    worst = [np.unravel_index(place, wrong.shape) for place in np.argsort(-wrong, axis=None, kind="stable")[:3]]
    said = [f"{wrong[row, col]} of {names[row]} taken for {names[col]}" for row, col in worst if wrong[row, col]]
    mistakes = f"Most frequent mistakes: {'; '.join(said)}." if said else "No mistakes."

    def draw(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        narrow = is_narrow(drawing)
        size = min(9.0, max(4.5, (40 if narrow else 117) / len(names)))
        called = fitting(names, drawing)
        image = _matrix(axes, counts, called, palette, size=size, most=_NUMBERED_NARROW if narrow else _NUMBERED)
        for edge, width in _edges(scheme):
            axes.axhline(edge - 0.5, color=palette.faint, linewidth=width)
            axes.axvline(edge - 0.5, color=palette.faint, linewidth=width)
        if max(map(len, names)) * len(names) > _LETTERS:
            axes.tick_params(axis="x", labelrotation=90)
        axes.tick_params(labelsize=min(8.0, 340 / len(names)))
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        if narrow:
            _shorten(axes, called)
            axes.set_ylabel("")
            bar = drawing.colorbar(image, ax=axes, location="bottom", shrink=0.8)
            bar.set_label("share of the true class")
            bar.outline.set_visible(False)
            return
        # Beside the matrix, which is narrower than the figure where there are few classes.
        bar = drawing.colorbar(image, cax=axes.inset_axes((1.03, 0.25, 0.025, 0.5)))
        bar.set_label("share of the true class")
        bar.outline.set_visible(False)

    caption = "Rows are true classes, columns are predicted ones. Colour is the share of the row"
    if len(names) <= _NUMBERED:
        caption += "; numbers, where there is room for them, count images"
    return Figure(
        name="confusion_vote",
        title="Classes that the vote confuses",
        caption=f"{caption}.",
        alt=f"Confusion matrix of {len(names)} classes; {percent(counts.trace() / max(counts.sum(), 1))} of the images "
        f"are on the diagonal. {mistakes}",
        height=min(7.6, 2.4 + 0.29 * len(names)),
        narrow_height=max(3.0, 1.2 + 0.145 * len(names)),
        draw=draw,
    )


def _attributes(vote: Voter, shown: list[str]) -> Figure:
    counts = {name: confusion(*vote.answers[name], vote.scheme.size(name)) for name in shown}
    largest = max(map(len, counts.values()))
    most = 3 if largest <= 4 else 2 if largest <= 10 else 1
    rows, _ = rows_of_panels(len(shown), most)
    right = {name: percent(matrix.trace() / max(matrix.sum(), 1)) for name, matrix in counts.items()}

    def draw(drawing: Canvas, palette: Palette) -> None:
        narrow = is_narrow(drawing)
        for axes, (name, matrix) in zip(
            panels(drawing, len(shown), 1 if narrow else most), counts.items(), strict=True
        ):
            names = fitting(vote.scheme.class_names(name), drawing, panels=most)
            size = min(9.0, max(4.5, (36 if narrow else 90) / len(names)))
            most_numbered = _NUMBERED_NARROW if narrow else _NUMBERED
            _matrix(axes, matrix, names, palette, size=size, most=most_numbered, shares=len(names) <= 4)
            if max(map(len, names)) * len(names) > _LETTERS:
                axes.tick_params(axis="x", labelrotation=90)
            axes.tick_params(labelsize=min(8.0, 340 / len(names)))
            axes.set_title(f"{name}: {right[name]} correct")
            axes.set_xlabel("predicted")
            axes.set_ylabel("true")
            if narrow and len(names) > _NUMBERED_NARROW:
                _shorten(axes, names)

    return Figure(
        name="confusion_attributes",
        title="Classes that the vote confuses, by attribute",
        caption=f"Attributes of the vote's joint class: {', '.join(shown)}.{undrawn(vote.scheme)}",
        alt=f"Confusion matrices of attributes. Share correct: {', '.join(map(' '.join, right.items()))}.",
        height=rows * {3: 2.9, 2: 3.8, 1: 7.0}[most],
        narrow_height=sum(max(2.6, 0.9 + 0.145 * len(matrix)) for matrix in counts.values()),
        draw=draw,
    )


def _edges(scheme: Scheme) -> list[tuple[int, float]]:
    """Return where blocks of the joint classes end, and the width of the line there: widest for the first attribute.

    The last attribute changes from class to class, and has no lines.
    """
    sizes = [scheme.n_classes // int(np.prod(scheme.shape[: place + 1])) for place in range(len(scheme.shape) - 1)]
    return [
        (edge, 1.4 if edge % sizes[0] == 0 else 0.5)
        for edge in range(1, scheme.n_classes)
        if any(edge % size == 0 for size in sizes)
    ]


def _matrix(
    axes: Any,
    counts: IntArray,
    names: list[str],
    palette: Palette,
    *,
    size: float,
    most: int,
    shares: bool = False,
) -> Any:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap=palette.colormap, vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (row, column), count in np.ndenumerate(counts):
        if count == 0 or len(names) > most:
            continue
        text = f"{count:,}\n{whole_percent(share[row, column])}" if shares else f"{count}"
        color = _readable_on(palette, share[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    return image


def _shorten(axes: Any, names: list[str]) -> None:
    """Name the classes on the left alone, and only number them below, on a screen without room for both."""
    axes.set_aspect("auto")  # square cells would be lower than the names beside them
    axes.set_yticks(range(len(names)), [f"{name}  {number}" for number, name in enumerate(names)])
    axes.set_xticks(range(len(names)), range(len(names)))
    axes.tick_params(axis="both", labelsize=min(7.5, 500 / len(names)))
    axes.tick_params(axis="x", labelsize=min(7.5, 110 / len(names)), labelrotation=0)


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
