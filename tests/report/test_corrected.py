"""What the report says of corrections."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from maskfold.ensemble.combination import combine
from maskfold.ensemble.scores import macro_f1
from maskfold.ensemble.tables import oof_table
from maskfold.report.corrected import CorrectionsEffect
from maskfold.report.page import render
from maskfold.specs import EarlierRun
from maskfold.storage import Workspace, open_workspace
from tests.ensemble.synthetic import Run, World, run_of
from tests.report.test_page import FACES, SUBMISSION, Outline

AGES = [20, 20, 40, 40, 60, 60]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def corrected_run(tmp_path: Path, workspace: Workspace, better: float = 0.95) -> tuple[Run, World, list[str]]:
    """Two runs: the second one with the gender of three people corrected, and with better networks."""
    before, now = World(n_people=36, ages=AGES), World(n_people=36, ages=AGES, accuracy=better, seed=1)
    assert before.train["image"].tolist() == now.train["image"].tolist()
    people = sorted(set(now.train["person"]))[:3]
    wrong = before.manifest["person"].isin(people)  # networks know better than these labels
    before.manifest.loc[wrong, "gender"] = 1 - before.manifest.loc[wrong, "gender"]
    now.manifest.loc[now.manifest["person"].isin(people), "corrected"] = True
    earlier = run_of(before, tmp_path)
    path = tmp_path / "oof.parquet"
    oof_table(earlier.combination).to_parquet(path)
    known = EarlierRun(
        run="smoke data of yesterday", oof=workspace.publish(path, "ensemble/0/oof.parquet"),
        manifest=earlier.spec.prepared.manifest,
    )  # fmt: skip
    dataset = now.recipe.dataset.model_copy(update={"corrections": "mine.csv"})
    recipe = now.recipe.model_copy(update={"dataset": dataset})
    spec = earlier.spec.model_copy(update={"recipe": recipe, "earlier": known})
    return Run(spec, combine(now.recipe, now.manifest, now.folds, now.tables)), before, people


def test_both_votes_are_scored_on_old_on_new_and_on_unchanged_labels(tmp_path: Path, workspace: Workspace) -> None:
    run, before, people = corrected_run(tmp_path, workspace)
    effect = CorrectionsEffect.of(run.spec, run.combination, workspace.fetch)
    assert effect is not None
    assert (effect.photographs, effect.people, effect.source) == (21, 3, "mine.csv")
    assert set(effect.changes["person"]) == set(people)
    assert set(zip(effect.changes["before"], effect.changes["now"], strict=True)) == {
        ("male", "female"),
        ("female", "male"),
    }
    old, new, same = effect.judged
    assert [one.photographs for one in effect.judged] == [252, 252, 231]
    vote = run.combination.vote
    assert old.now == pytest.approx(macro_f1(before.classes, vote.predicted, 18))
    assert new.now == pytest.approx(macro_f1(vote.true, vote.predicted, 18))
    assert old.margin.difference == pytest.approx(old.now - old.before)
    assert new.now > old.now
    assert same.margin.low > 0
    assert list(effect.tables) == ["corrected_labels", "corrected_scores"]
    assert effect.scores["difference"].tolist() == [one.margin.difference for one in effect.judged]


def test_the_page_shows_them_and_says_whom_to_believe(tmp_path: Path, workspace: Workspace) -> None:
    run, _, people = corrected_run(tmp_path, workspace)
    effect = CorrectionsEffect.of(run.spec, run.combination, workspace.fetch)
    page = render(*run, [], SUBMISSION, FACES, seconds=1, corrected=effect)
    Outline(page)
    for text in (
        "21 photographs of 3 people have other labels than in smoke data of yesterday, by <code>mine.csv</code>",
        "as they were", "as corrected", "that no correction changed",
        "a model that was trained on its own suggestions always likes them",
        f"train/images/{people[0]}/mask1.jpg",
    ):  # fmt: skip
        assert text in page


def test_without_an_earlier_run_the_labels_are_listed_all_the_same(tmp_path: Path, workspace: Workspace) -> None:
    run, _, _ = corrected_run(tmp_path, workspace)
    alone = run.spec.model_copy(update={"earlier": None})
    effect = CorrectionsEffect.of(alone, run.combination, workspace.fetch)
    assert effect is not None
    assert (effect.photographs, effect.judged, list(effect.tables)) == (21, (), ["corrected_labels"])
    page = render(alone, run.combination, [], SUBMISSION, FACES, seconds=1, corrected=effect)
    Outline(page)
    assert "this workspace has no such run" in page


def test_nothing_is_said_where_nothing_was_corrected(finished_run: Run, workspace: Workspace) -> None:
    assert CorrectionsEffect.of(finished_run.spec, finished_run.combination, workspace.fetch) is None
    page = render(*finished_run, [], SUBMISSION, FACES, seconds=1)
    assert "Corrections" not in page


def test_another_data_set_is_not_compared_with(tmp_path: Path, workspace: Workspace) -> None:
    run, _, _ = corrected_run(tmp_path, workspace)
    assert run.spec.earlier is not None
    path = workspace.fetch(run.spec.earlier.oof)
    shorter = tmp_path / "shorter.parquet"
    pd.read_parquet(path).iloc[:-7].to_parquet(shorter)
    other = run.spec.earlier.model_copy(update={"oof": workspace.publish(shorter, "ensemble/1/oof.parquet")})
    effect = CorrectionsEffect.of(run.spec.model_copy(update={"earlier": other}), run.combination, workspace.fetch)
    assert effect is not None
    assert effect.judged == ()
