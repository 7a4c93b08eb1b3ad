"""Figure: how many images each joint class has, and how well the vote predicts it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import Combination
from maskfold.ensemble.scores import f1_by_class
from maskfold.report.confusion import drawn_attributes, undrawn
from maskfold.report.figure import Figure, fitting, is_narrow
from maskfold.scheme import FloatArray, IntArray
from maskfold.theme import Palette

MOST: Final = 64
"""Most classes that are shown; of more, those with the lowest and the highest F1."""


def figure(combination: Combination) -> Figure:
    """Return bars of training images (left) and of the vote's F1 (right), one row per class."""
    vote, scheme = combination.vote, combination.scheme
    names = scheme.class_names()
    counts = np.bincount(vote.true, minlength=len(names))
    scores = f1_by_class(vote.true, vote.predicted, len(names))
    shown = _shown(counts, scores)

    def draw(drawing: Canvas, palette: Palette) -> None:
        places = np.arange(len(shown))[::-1]
        rows, columns = (2, 1) if is_narrow(drawing) else (1, 2)
        left, right = drawing.subplots(rows, columns, sharey=True)
        images = counts[shown]
        _bars(left, places, images.astype(float), [f"{count:,}" for count in images], palette.quiet)
        left.set_title("training images")
        labels = [f"{scores[one]:.3f}" if counts[one] else "never occurs" for one in shown]
        _bars(right, places, scores[shown], labels, palette.accent)
        right.set_title("F1 of the vote")
        right.set_xlim(0, 1.18)
        right.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        called = fitting(names, drawing)
        left.set_yticks(places, [f"{one:2d}  {called[one]}" for one in shown])
        left.set_ylim(-0.8, len(shown) - 0.2)
        for axes in (left, right):
            axes.tick_params(axis="y", labelcolor=palette.ink)

    low, high = int(scores.argmin()), int(scores.argmax())
    caption = "Macro-F1 weighs all classes equally, large or small: the shortest bars on the right cost most."
    if len(shown) < len(names):
        caption += f" {_choice(len(shown), len(names), counts)}"
    return Figure(
        name="classes",
        title="Large classes and small ones",
        caption=caption if drawn_attributes(scheme) else f"{caption}{undrawn(scheme)}",
        alt=f"Bars of images and F1 by class. Images: {counts.min():,} to {counts.max():,}. "
        f"Lowest F1: {names[low]}, {scores[low]:.3f}; highest: {names[high]}, {scores[high]:.3f}.",
        height=0.73 + 0.215 * len(shown),
        narrow_height=2 * (0.7 + 0.17 * len(shown)),
        draw=draw,
    )


def _shown(counts: IntArray, scores: FloatArray) -> IntArray:
    """Return the classes that are shown, in their order: all, or those with the lowest and the highest F1."""
    if len(counts) <= MOST:
        return np.arange(len(counts))
    there = np.flatnonzero(counts)
    by_score = there[np.argsort(scores[there], kind="stable")]
    ends = by_score if len(by_score) <= MOST else np.concatenate([by_score[: MOST // 2], by_score[-MOST // 2 :]])
    return np.sort(ends)


def _choice(shown: int, n_classes: int, counts: IntArray) -> str:
    there = int((counts > 0).sum())
    occur = f"Of {n_classes:,} classes {there:,} occur"
    if there <= shown:
        return f"{occur}; the others are not shown."
    return f"{occur}; shown are the {MOST // 2} with the lowest and the {MOST // 2} with the highest F1."


def _bars(axes: Any, places: Any, values: Any, labels: list[str], color: str) -> None:
    axes.barh(places, values, height=0.68, color=color)
    room = float(max(values.max(), 1e-9))
    for place, value, label in zip(places, values, labels, strict=True):
        axes.text(value + 0.015 * room, place, label, va="center", fontsize=7.5)
    axes.set_xlim(0, room * 1.18)
    axes.grid(visible=False, axis="y")
