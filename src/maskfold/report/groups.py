"""Figure: how sure the vote is of the groups of a number."""

from __future__ import annotations

import math
import textwrap
from typing import Final

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import Combination
from maskfold.report.figure import Figure, is_narrow, legend
from maskfold.report.numbers import percent
from maskfold.scheme import JOINT, Attribute, FloatArray, numbers
from maskfold.theme import Palette

MOST: Final = 12
"""Most groups with lines that readers can distinguish."""
_LETTERS: Final = 36
"""Of a line below the figure, on a narrow screen."""
_POINTS: Final = 30
"""Approximate limit of the points of a line: more would mostly show noise."""


def figure(combination: Combination, attribute: Attribute) -> Figure:
    """Return lines of the mean probability of each group by the true number: steps at the bounds would be perfect.

    Args:
        combination: The vote.
        attribute: One with bounds, and at most :data:`MOST` groups.
    """
    name, scheme = attribute.name, combination.scheme
    probabilities = scheme.marginals(combination.vote.oof)[name]
    true = combination.train[name].to_numpy(dtype=np.float64)
    step = step_of(true, _POINTS)
    whole = bool((true == np.round(true)).all())

    def draw(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        starts = bins(true, attribute, step)
        chosen = [starts == start for start in np.unique(starts)]
        centres = [true[rows].mean() for rows in chosen]
        means = np.stack([probabilities[rows].mean(axis=0) for rows in chosen])
        for group, called in enumerate(attribute.class_names):
            color = palette.series[group % len(palette.series)]
            style = "-" if group < len(palette.series) else "--"
            axes.plot(centres, means[:, group], style, marker="o", markersize=3.5, color=color, label=called)
        for bound in attribute.bounds:
            axes.axvline(bound - 0.5 * whole, color=palette.faint, linestyle="--", linewidth=1)
        axes.set_ylim(-0.04, 1.06)
        unit = f" in {attribute.unit}" if attribute.unit else ""
        label = f"true {name}{unit} (points: in steps of {step:g}; dashed: bounds of the groups)"
        axes.set_xlabel(textwrap.fill(label, _LETTERS) if is_narrow(drawing) else label)
        axes.set_ylabel("mean probability")
        legend(drawing, axes, f"{name} group")

    true_class, predicted = combination.vote.answers.get(name) or combination.vote.answers[JOINT]
    share = float((true_class == predicted).mean())
    return Figure(
        name=f"{name}_groups",
        title=f"How sure the vote is of {name}",
        caption=f"Mean out-of-fold probability of each {name} group. Where lines cross away from a dashed bound, "
        "numbers between the crossing and the bound get the wrong group.",
        alt=f"Lines of the mean probability of {attribute.size} groups over true {name}, "
        f"bounds at {numbers(attribute.bounds)}; {percent(share)} of the images are in the right group.",
        height=max(3.0, 0.8 + 0.2 * attribute.size),
        narrow_height=3.4 + 0.1 * attribute.size,
        draw=draw,
    )


def step_of(true: FloatArray, points: int) -> float:
    """Return the range of numbers of one point, of so many at most about: 1, 2 or 5 times a power of ten."""
    span = float(true.max() - true.min())
    if span == 0:
        return 1.0
    finest = span / points
    power = 10.0 ** math.floor(math.log10(finest))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= finest)


def bins(true: FloatArray, attribute: Attribute, step: float) -> FloatArray:
    """Return where the bin of each number starts; none reaches across a bound, so that no point mixes two groups."""
    group = attribute.classes(true)
    anchors = np.asarray(attribute.bounds)[np.maximum(group - 1, 0)]
    return np.asarray(anchors + np.floor((true - anchors) / step) * step)
