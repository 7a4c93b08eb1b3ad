"""Figures of a search: its trials in time, their settings, and which settings seem to matter."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from maskfold.recipe.reference import written
from maskfold.report.figure import Figure, fitting, is_narrow, panels, rows_of_panels
from maskfold.specs import Searched, SearchedTrial
from maskfold.study.plan import short_names
from maskfold.study.space import Space
from maskfold.theme import Palette

_COLUMNS: Final = 3
_LABEL: Final = 16
"""Letters of a line of an axis' name."""


def history_figure(trials: Sequence[SearchedTrial]) -> Figure:
    """Return the difference of each trial to the recipe as it is, in the order of the trials."""
    done = [one for one in trials[1:] if one.state == "complete"]
    pruned = [one for one in trials[1:] if one.state == "pruned"]
    failed = [one.number for one in trials[1:] if one.state == "failed"]

    def draw(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        axes.axhline(0, color=palette.ink, linewidth=1)
        for some, marker, color in ((done, "o", palette.accent), (pruned, "x", palette.faint)):
            if some:
                numbers, values = [one.number for one in some], [one.difference or 0.0 for one in some]
                errors = [one.error or 0.0 for one in some]
                axes.errorbar(numbers, values, errors, fmt=marker, color=color, elinewidth=0.8, markersize=4)
        best = np.maximum.accumulate([0.0, *(one.difference or 0.0 for one in done)])
        axes.step([0, *(one.number for one in done)], best, where="post", color=palette.series[1], linewidth=1.5)
        low = axes.get_ylim()[0]
        axes.plot(failed, [low] * len(failed), "|", color=palette.series[3], markersize=10, clip_on=False)
        axes.set_xlabel("trial")
        axes.set_ylabel("macro-F1 above the recipe")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    top = max((one.difference or 0.0 for one in done), default=0.0)
    return Figure(
        name="history",
        title="The search",
        caption="Dots: trials on all folds, crosses: those that ended after the first one, with one standard error of "
        "the paired difference; strokes at the bottom: failed. Line: the best so far, which is too good to be true, "
        "since it is the luckiest of many.",
        alt=f"{len(done)} complete, {len(pruned)} pruned, {len(failed)} failed trials; the best {top:+.3f}.",
        height=3.0,
        narrow_height=2.8,
        draw=draw,
    )


def parallel_figure(space: Space, done: Sequence[SearchedTrial]) -> Figure:
    """Return a line for each trial through its settings, the better the stronger its colour."""
    names = short_names(space.searched)
    values = np.array([one.difference or 0.0 for one in done])
    order = np.argsort(values, kind="stable")

    def draw(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        keys = list(space.searched)
        spread = float(np.ptp(values)) or 1.0
        for place in order:
            share = float((values[place] - values.min()) / spread)
            drawn = done[place].drawn or {}
            heights = [_height(space.searched[key], drawn[key]) if key in drawn else np.nan for key in keys]
            color = palette.colormap(0.25 + 0.75 * share)
            axes.plot(range(len(keys) + 1), [*heights, share], color=color, linewidth=1 + share, marker=".")
        labels = [*(_axis(names[key], space.searched[key]) for key in keys), "macro-F1"]
        axes.set_xticks(range(len(labels)), [_wrapped(label) for label in labels])
        if is_narrow(drawing) or len(labels) > 7:
            axes.tick_params(axis="x", rotation=90)
        axes.set_yticks([0, 1], ["low", "high"])
        axes.grid(visible=True, axis="x")

    return Figure(
        name="parallel",
        title="Settings of all trials",
        caption="A line is a trial; the stronger its colour, the better. Choices lie in the order of the space.",
        alt=f"Lines of {len(done)} trials through {', '.join(names.values())} and macro-F1.",
        height=3.6,
        narrow_height=4.4,
        draw=draw,
    )


def slice_figure(space: Space, done: Sequence[SearchedTrial]) -> Figure:
    """Return a panel for each setting: its values and the scores."""
    names = short_names(space.searched)

    def draw(drawing: Canvas, palette: Palette) -> None:
        most = 1 if is_narrow(drawing) else _COLUMNS
        for axes, (key, one) in zip(panels(drawing, len(names), most), space.searched.items(), strict=True):
            some = [trial for trial in done if key in (trial.drawn or {})]
            values = [(trial.drawn or {})[key] for trial in some]
            axes.axhline(0, color=palette.ink, linewidth=1)
            axes.scatter(values, [trial.difference or 0.0 for trial in some], color=palette.accent, s=12, alpha=0.7)
            axes.set_title(_axis(names[key], one))
            if one.choices:
                axes.set_xticks(range(len(one.choices)), fitting([*map(written, one.choices)], drawing, _COLUMNS))
                axes.set_xlim(-0.5, len(one.choices) - 0.5)
            elif one.log:
                axes.set_xscale("log")
            axes.set_ylabel("difference")

    rows = rows_of_panels(len(names), _COLUMNS)[0]
    return Figure(
        name="slices",
        title="Setting by setting",
        caption="Macro-F1 of complete trials, above the recipe as it is. The other settings differ as well, so that a "
        "slope may be theirs.",
        alt=f"Scores over {', '.join(names.values())}.",
        height=0.3 + 2.0 * rows,
        narrow_height=0.3 + 1.8 * len(names),
        draw=draw,
    )


def importance_figure(shares: Mapping[str, float]) -> Figure:
    """Return a bar for each setting."""
    names = short_names(shares)

    def draw(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        places = np.arange(len(shares))[::-1]
        axes.barh(places, list(shares.values()), color=palette.quiet)
        axes.set_yticks(places, fitting([names[key] for key in shares], drawing))
        axes.set_xlabel("share of the variance")
        axes.grid(visible=False, axis="y")

    listed = ", ".join(f"{names[key]} {share:.2f}" for key, share in shares.items())
    return Figure(
        name="importances",
        title="Which settings seem to matter",
        caption="By functional analysis of variance (Hutter et al., 2014). Take it as a hint: with few trials and "
        "noisy scores a setting without any effect may come first, and a setting that was varied little comes last.",
        alt=f"Shares: {listed}.",
        height=0.9 + 0.3 * len(shares),
        narrow_height=1.0 + 0.35 * len(shares),
        draw=draw,
    )


def _height(one: Searched, value: float) -> float:
    """Return where in its range a value lies, 0..1."""
    if one.choices:
        return value / (len(one.choices) - 1)
    low, high = one.low or 0, one.high or 0
    if one.log:
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _axis(name: str, one: Searched) -> str:
    return f"{name}, relative" if one.relative else name


def _wrapped(label: Any) -> str:
    return textwrap.fill(str(label), _LABEL)
