"""Figure: the scores of all voters."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import VOTE, Combination, Voter
from maskfold.report.figure import Figure, is_narrow, panels, rows_of_panels
from maskfold.scheme import JOINT
from maskfold.specs import Scores
from maskfold.theme import Palette

_COLUMNS = 4
"""Panels beside each other."""
_LETTERS = 17
"""Of a voter's name in a line, on a narrow screen."""


def figure(combination: Combination) -> Figure:
    """Return bars of macro-F1 with intervals: a row for each voter, a panel for all classes and for each attribute."""
    voters, scores = combination.voters, combination.scores
    shown = (JOINT, *voters[0].scheme.parts)

    def draw(drawing: Canvas, palette: Palette) -> None:
        places = np.arange(len(voters))[::-1]
        most = 1 if is_narrow(drawing) else _COLUMNS
        _, columns = rows_of_panels(len(shown), most)
        names = [textwrap.fill(one.name, _LETTERS) if is_narrow(drawing) else one.name for one in voters]
        for number, (axes, target) in enumerate(zip(panels(drawing, len(shown), most), shown, strict=True)):
            for place, voter in zip(places, voters, strict=True):
                value, low, high = _macro_f1(scores[voter.name], target)
                if value is None or low is None or high is None:
                    axes.text(0.02, place, "–", va="center", color=palette.faint)
                    continue
                vote = voter.name == VOTE
                axes.barh(place, value, height=0.62, color=palette.accent if vote else palette.quiet)
                weight = "bold" if vote else "normal"
                axes.plot([low, high], [place, place], color=palette.ink, linewidth=1)
                axes.text(max(value, high) + 0.03, place, f"{value:.3f}", va="center", fontsize=8, fontweight=weight)
            axes.set_title(_called(voters[0], target))
            axes.set_xlim(0, 1.3)
            axes.set_ylim(-0.6, len(voters) - 0.4)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.grid(visible=False, axis="y")
            axes.set_yticks(places, names if number % columns == 0 else [""] * len(names))
            for label, voter in zip(axes.get_yticklabels(), voters, strict=True):
                label.set_color(palette.ink)
                label.set_fontweight("bold" if voter.name == VOTE else "normal")

    partial = any(not voter.scheme.is_whole(voter.target) for voter in voters)
    said = []
    for voter in voters:
        target = JOINT if voter.scheme.is_whole(voter.target) else voter.target
        value, *_ = _macro_f1(scores[voter.name], target)
        said.append(f"{voter.name} {value:.3f} ({'classes' if target == JOINT else target})")
    return Figure(
        name="scores",
        title="Every network, and the vote",
        caption="Macro-F1 out-of-fold, over the whole training set at once; thin lines are 95 % intervals."
        + (" A dash: the network does not predict that." if partial else ""),
        alt=f"Bars of macro-F1: {', '.join(said)}.",
        height=rows_of_panels(len(shown), _COLUMNS)[0] * (1.0 + 0.34 * len(voters)),
        narrow_height=len(shown) * (0.8 + 0.34 * len(voters)),
        draw=draw,
    )


def _called(voter: Voter, target: str) -> str:
    return f"{voter.scheme.n_classes} classes" if target == JOINT else target


def _macro_f1(scores: Scores, target: str) -> tuple[float | None, float | None, float | None]:
    """Return macro-F1 over the joint classes or of one attribute, and its interval; nothing where a voter has none."""
    found = scores.model_dump(exclude={"attributes"}) if target == JOINT else scores.attributes.get(target, {})
    return found.get("macro_f1"), found.get("macro_f1_low"), found.get("macro_f1_high")
