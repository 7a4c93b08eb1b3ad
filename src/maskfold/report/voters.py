"""Figure: the scores of all voters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import VOTE, Voter
from maskfold.report.figure import Figure, panels, rows_of_panels
from maskfold.scheme import JOINT
from maskfold.theme import Palette

_COLUMNS = 4
"""Panels beside each other."""


def figure(voters: Sequence[Voter]) -> Figure:
    """Return bars of macro-F1: one row per voter, one panel for the joint classes and for each attribute."""
    shown = (JOINT, *voters[0].scheme.parts)
    rows, columns = rows_of_panels(len(shown), _COLUMNS)

    def draw(drawing: Canvas, palette: Palette) -> None:
        places = np.arange(len(voters))[::-1]
        for number, (axes, target) in enumerate(zip(panels(drawing, len(shown), _COLUMNS), shown, strict=True)):
            for place, voter in zip(places, voters, strict=True):
                value = _macro_f1(voter, target)
                if value is None:
                    axes.text(0.02, place, "–", va="center", color=palette.faint)
                    continue
                vote = voter.name == VOTE
                axes.barh(place, value, height=0.62, color=palette.accent if vote else palette.quiet)
                weight = "bold" if vote else "normal"
                axes.text(value + 0.02, place, f"{value:.3f}", va="center", fontsize=8, fontweight=weight)
            axes.set_title(_called(voters[0], target))
            axes.set_xlim(0, 1.22)
            axes.set_ylim(-0.6, len(voters) - 0.4)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.grid(visible=False, axis="y")
            axes.set_yticks(places, [voter.name if number % columns == 0 else "" for voter in voters])
            for label, voter in zip(axes.get_yticklabels(), voters, strict=True):
                label.set_color(palette.ink)
                label.set_fontweight("bold" if voter.name == VOTE else "normal")

    partial = any(not voter.scheme.is_whole(voter.target) for voter in voters)
    said = []
    for voter in voters:
        target = JOINT if voter.scheme.is_whole(voter.target) else voter.target
        said.append(f"{voter.name} {_macro_f1(voter, target):.3f} ({'classes' if target == JOINT else target})")
    return Figure(
        name="scores",
        title="Every network, and the vote",
        caption="Macro-F1 out-of-fold, over the whole training set at once."
        + (" A dash: the network does not predict that." if partial else ""),
        alt=f"Bars of macro-F1: {', '.join(said)}.",
        height=rows * (1.0 + 0.34 * len(voters)),
        draw=draw,
    )


def _called(voter: Voter, target: str) -> str:
    return f"{voter.scheme.n_classes} classes" if target == JOINT else target


def _macro_f1(voter: Voter, target: str) -> float | None:
    """Return a voter's macro-F1 over the joint classes or of one attribute; none where it has none."""
    scores = voter.scores
    return scores.macro_f1 if target == JOINT else scores.attributes.get(target, {}).get("macro_f1")
