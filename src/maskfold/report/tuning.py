"""The page of a search: what it gained, what it tried, and which settings seem to matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import maskfold
from maskfold.recipe.reference import written
from maskfold.report.comparison import differences_figure
from maskfold.report.figure import Figure
from maskfold.report.page import environment
from maskfold.report.picture import draw
from maskfold.report.trials import history_figure, importance_figure, parallel_figure, slice_figure
from maskfold.specs import SearchedTrial, TuneSpec, VariantScore
from maskfold.study.importance import importances
from maskfold.study.rules import ENOUGH, FAR_BELOW, adopted
from maskfold.study.space import Space
from maskfold.study.tuning import sentences

_FEW: Final = 3
"""Complete trials from which on their settings are drawn."""


def tuning_page(
    spec: TuneSpec, confirmed: Sequence[VariantScore], winner: str, folder: Path, made: datetime | None = None
) -> str:
    """Return the page.

    Args:
        spec: All trials.
        confirmed: The recipe as it is and the best trials with fresh seeds; empty without a confirmation.
        winner: YAML of the recipe to go on with.
        folder: For the figures' files.
        made: When; now by default.
    """
    space = Space(spec.space)
    best = adopted(confirmed)
    shares = importances(space, spec.trials)
    figures = [history_figure(spec.trials)]
    if len(confirmed) > 1:
        # The rule of a search decides what is marked, not that of a comparison.
        marked = [one.model_copy(update={"wins": one is best}) for one in confirmed]
        figures.append(differences_figure(marked, "confirmation", "The best trials with fresh seeds"))
    figures += _figures_of_settings(space, spec.trials)
    if shares:
        figures.append(importance_figure(shares))
    pictures = draw(figures, folder, lambda _done, _total: None)
    return (
        environment()
        .get_template("tuning.html")
        .render(
            version=maskfold.__version__,
            made=(made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
            study=spec.study,
            trials=spec.trials,
            space=[_searched(key, one) for key, one in spec.space.items()],
            confirmed=confirmed,
            best=best,
            seeds=confirmed[0].seeds if confirmed else 0,
            folds=spec.base.folds.k,
            people=spec.prepared.n_people,
            dataset_version=spec.dataset_version,
            verdict=sentences(spec.trials, confirmed),
            enough=ENOUGH,
            far_below=FAR_BELOW,
            budget=spec.budget,
            spent=spec.spent,
            winner=winner,
            pictures={picture.figure.name: picture for picture in pictures},
        )
    )


def _figures_of_settings(space: Space, trials: Sequence[SearchedTrial]) -> list[Figure]:
    done = [one for one in trials if one.state == "complete" and one.drawn is not None]
    return [parallel_figure(space, done), slice_figure(space, done)] if len(done) >= _FEW else []


def _searched(key: str, one: Any) -> dict[str, str]:
    if one.choices:
        values = " | ".join(map(written, one.choices))
    else:
        times = " times the recipe's own" if one.relative else ""
        steps = f" in steps of {one.step:g}" if one.step else ""
        values = f"{one.low:g} to {one.high:g}{times}{steps}{', logarithmic' if one.log else ''}"
    when = ", ".join(f"{parent} is {written(value)}" for parent, value in one.when.items())
    return {"key": key, "values": values, "when": when}
