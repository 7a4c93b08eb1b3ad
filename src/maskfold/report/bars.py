"""Scores of the voters, and how the classes and ages fare under the vote."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from maskfold.ensemble.combination import VOTE, Combination, Voter
from maskfold.ensemble.scores import f1_by_class
from maskfold.ensemble.vote import marginals
from maskfold.labels import ATTRIBUTES, N_CLASSES, age_names, class_names
from maskfold.theme import Palette

AGE_STEP = 2
"""Years that share a point of the age figure."""


def macro_f1_of(voter: Voter, column: str) -> float | None:
    """Return a voter's macro-F1 over the 18 classes (``classes``) or of one attribute; none where it has none."""
    scores = voter.scores
    return scores.macro_f1 if column == "classes" else scores.attributes.get(column, {}).get("macro_f1")


def draw_scores(figure: Figure, voters: tuple[Voter, ...], palette: Palette) -> None:
    """Draw macro-F1 bars: a row a voter, a column for the 18 classes and for each attribute."""
    columns = ("classes", *ATTRIBUTES)
    grid = figure.subplots(1, len(columns), sharey=True)
    places = np.arange(len(voters))[::-1]
    for axes, column in zip(grid, columns, strict=True):
        for place, voter in zip(places, voters, strict=True):
            value = macro_f1_of(voter, column)
            if value is None:
                axes.text(0.02, place, "–", va="center", color=palette.faint)
                continue
            vote = voter.name == VOTE
            axes.barh(place, value, height=0.62, color=palette.accent if vote else palette.quiet)
            weight = "bold" if vote else "normal"
            axes.text(value + 0.02, place, f"{value:.3f}", va="center", fontsize=8, fontweight=weight)
        axes.set_title("18 classes" if column == "classes" else column)
        axes.set_xlim(0, 1.22)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.grid(visible=False, axis="y")
    grid[0].set_yticks(places, [voter.name for voter in voters])
    for label, voter in zip(grid[0].get_yticklabels(), voters, strict=True):
        label.set_color(palette.ink)
        label.set_fontweight("bold" if voter.name == VOTE else "normal")


def draw_classes(figure: Figure, combination: Combination, palette: Palette) -> None:
    """Draw training images (left) and the vote's F1 (right) of each class."""
    vote = combination.vote
    counts = np.bincount(vote.true, minlength=N_CLASSES)
    scores = f1_by_class("joint", vote.true, vote.predicted)
    names = class_names("joint", combination.age_bounds)
    places = np.arange(N_CLASSES)[::-1]
    left, right = figure.subplots(1, 2, sharey=True)
    _bars(left, places, counts.astype(float), [f"{count:,}" for count in counts], palette.quiet)
    left.set_title("training images")
    labels = [f"{score:.3f}" if count else "never occurs" for score, count in zip(scores, counts, strict=True)]
    _bars(right, places, scores, labels, palette.accent)
    right.set_title("F1 of the vote")
    right.set_xlim(0, 1.18)
    right.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    left.set_yticks(places, [f"{number:2d}  {name}" for number, name in enumerate(names)])
    for label in left.get_yticklabels():
        label.set_color(palette.ink)


def draw_ages(figure: Figure, combination: Combination, palette: Palette) -> None:
    """Draw the vote's mean probability of each age group by true age: sharp steps at the bounds would be perfect."""
    axes = figure.subplots()
    probabilities = marginals(combination.vote.oof)["age"]
    ages = combination.train["age"].to_numpy(dtype=np.int64)
    low, high = combination.age_bounds
    anchors = np.where(ages >= high, high, low)  # so that no point mixes ages from both sides of a bound
    bins = anchors + (ages - anchors) // AGE_STEP * AGE_STEP
    chosen = [bins == start for start in np.unique(bins)]
    centres = [ages[rows].mean() for rows in chosen]
    means = np.stack([probabilities[rows].mean(axis=0) for rows in chosen])
    for group, name in enumerate(age_names(combination.age_bounds)):
        color = palette.series[group]
        axes.plot(centres, means[:, group], marker="o", markersize=3.5, color=color, label=name)
    for bound in (low, high):
        axes.axvline(bound - 0.5, color=palette.faint, linestyle="--", linewidth=1)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(f"true age in years (points: {AGE_STEP} years together; dashed: bounds of the groups)")
    axes.set_ylabel("mean probability")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title="age group", alignment="left")


def _bars(axes: Any, places: Any, values: Any, labels: list[str], color: str) -> None:
    axes.barh(places, values, height=0.68, color=color)
    room = float(max(values.max(), 1e-9))
    for place, value, label in zip(places, values, labels, strict=True):
        axes.text(value + 0.015 * room, place, label, va="center", fontsize=7.5)
    axes.set_xlim(0, room * 1.18)
    axes.grid(visible=False, axis="y")
