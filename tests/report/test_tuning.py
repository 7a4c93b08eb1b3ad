"""The page of a search: says what was gained or that nothing was, shows every trial, warns of importances."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from maskfold.recipe import load_recipe
from maskfold.report.tuning import tuning_page
from maskfold.specs import SearchedTrial, TuneSpec, VariantScore
from maskfold.study.search import ask
from maskfold.study.space import default_space

FAST, SPACE = load_recipe("fast"), default_space("fast")


def trial(number: int, state: str = "complete", reason: str = "") -> SearchedTrial:
    drawn = ask(SPACE, [], number, 0) if number else SPACE.drawn_by(FAST)
    difference = None if state == "failed" or not number else 0.01 * (number - 4)
    return SearchedTrial(
        number=number,
        drawn=drawn,
        set=SPACE.shown(FAST, drawn or {}) if number else (),
        state=state,  # type: ignore[arg-type]
        reason=reason,
        macro_f1=None if state == "failed" else 0.5 + (difference or 0),
        difference=difference,
        error=None if difference is None else 0.01,
        seconds=60.0,
    )


def score(name: str, difference: float) -> VariantScore:
    return VariantScore(
        name=name, factor="", set=(), seeds=2, macro_f1=0.5 + difference, difference=difference,
        low=difference - 0.02, high=difference + 0.02, error=0.01, by_seed=(difference,) * 2, wins=False, seconds=1,
    )  # fmt: skip


def page(trials: tuple[SearchedTrial, ...], confirmed: tuple[VariantScore, ...], folder: Path) -> str:
    spec = TuneSpec.model_construct(
        study="tune fast people",
        base=FAST,
        space=dict(SPACE.searched),
        trials=trials,
        confirmation=(),
        budget=2700.0,
        spent=2650.0,
        prepared=SimpleNamespace(n_people=24),  # type: ignore[arg-type]
        dataset_version="0123456789abcdef",
    )
    return tuning_page(spec, confirmed, "name: winner", folder, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.slow
def test_a_gain_is_told_with_its_interval_and_every_trial_is_there(tmp_path: Path) -> None:
    trials = (*map(trial, range(11)), trial(11, "pruned"), trial(12, "failed", "training diverged <in> epoch 1"))
    shown = page(trials, (score("base", 0), score("trial 10", 0.04), score("trial 9", 0.01)), tmp_path)
    for text in (
        "What tuning gained",
        "trial 10 is adopted: with fresh seeds it is 0.040 better than the recipe as it is (+0.020 to +0.060).",
        "training diverged &lt;in&gt; epoch 1",
        "jobs took 44 min 10 s of 45 min 00 s",
        "Take it as a hint",
        "name: winner",
        *(f'<figure id="{name}">' for name in ("history", "confirmation", "parallel", "slices", "importances")),
        *(f'<th scope="row">trial {number}</th>' for number in range(1, 13)),
    ):
        assert text in shown, text


def test_nothing_gained_is_said_and_few_trials_have_no_figures_of_settings(tmp_path: Path) -> None:
    shown = page((trial(0), trial(1)), (), tmp_path)
    assert "<h2>Tuning gained nothing</h2>" in shown
    assert "the recipe stays as it is" in shown
    for name in ("confirmation", "parallel", "slices", "importances"):
        assert f'<figure id="{name}">' not in shown
