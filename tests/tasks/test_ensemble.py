from __future__ import annotations

import hashlib
import json
import logging
import re
from urllib.parse import unquote_to_bytes

import pandas as pd
import pytest

from maskfold.errors import InvariantError
from maskfold.launch import entry
from maskfold.launch.folder import find_outcome
from maskfold.specs import EnsembleOutcome, EnsembleSpec
from maskfold.storage import open_workspace
from tasks.ensemble import run
from tests.ensemble.synthetic import ONE, THREE, World, recipe_of, spec

LOG = logging.getLogger("test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("ensemble")
    world = World(unreadable=[3])  # the competition's scheme and reader
    workspace = open_workspace(str(folder / "workspace"))
    made = spec(world, workspace, folder)
    path = folder / "spec.json"
    path.write_text(made.model_dump_json(), encoding="utf-8")
    assert entry.main(run, EnsembleSpec, [str(path)]) == 0
    return world, workspace, made, find_outcome(workspace, made)


def test_the_outcome_names_files_that_are_there(finished) -> None:
    _, workspace, made, outcome = finished
    for file in (outcome.submission, outcome.oof, outcome.report, *outcome.figures, *outcome.tables):
        assert hashlib.sha256(workspace.read(file.path)).hexdigest() == file.sha256
        assert file.path.startswith(f"ensemble/{made.key}/")
    names = {path.removeprefix(f"ensemble/{made.key}/") for path in workspace.list(f"ensemble/{made.key}")}
    assert {"submission.csv", "submission.csv.sha256", "oof.parquet", "eval_probabilities.parquet"} < names
    assert {"scores.csv", "fold_scores.csv", "confusion_vote_joint.csv", "report.html", "outcome.json"} < names
    assert set(outcome.scores) == {"joint", "mask", "gender", "age", "attributes", "vote"}


def test_latest_and_the_runs_own_copy_are_the_submission(finished) -> None:
    world, workspace, made, outcome = finished
    content = workspace.read(outcome.submission.path)
    assert outcome.latest == "submissions/latest.csv"
    for path in (outcome.latest, f"submissions/{made.key}.csv", "submissions/best.csv"):
        assert workspace.read(path) == content
    record = json.loads(workspace.read("submissions/best.json"))["made"]
    assert (record["key"], record["macro_f1"]) == (made.key, outcome.scores["vote"].macro_f1)
    table = pd.read_csv(workspace.fetch(outcome.submission))
    assert table["ImageID"].tolist() == world.evaluation["name"].tolist()
    assert table["ans"].between(0, 17).all()


def test_published_tables_agree_with_the_outcome(finished) -> None:
    _, workspace, _, outcome = finished
    oof = pd.read_parquet(workspace.fetch(outcome.oof))
    accuracy = (oof["true_class"] == oof["predicted_class"]).mean()
    assert accuracy == pytest.approx(outcome.scores["vote"].accuracy)
    paths = {file.path.rpartition("/")[2]: file for file in outcome.tables}
    scores = pd.read_csv(workspace.fetch(paths["scores.csv"])).set_index("voter")
    assert scores.loc["vote", "macro_f1"] == pytest.approx(outcome.scores["vote"].macro_f1)
    counts = pd.read_csv(workspace.fetch(paths["confusion_vote_joint.csv"]), index_col=0).to_numpy()
    assert counts.trace() / counts.sum() == pytest.approx(accuracy)
    for name in ("vote", "attributes"):
        scored = outcome.scores[name]
        assert scores.loc[name, "macro_f1_low"] == pytest.approx(scored.macro_f1_low)
        for each in (scored.model_dump(exclude={"attributes"}), *scored.attributes.values()):
            assert each["macro_f1_low"] < each["macro_f1"] < each["macro_f1_high"]
            assert each["accuracy_low"] < each["accuracy"] < each["accuracy_high"]


def test_the_page_links_what_was_published(finished) -> None:
    _, workspace, _, outcome = finished
    page = workspace.read(outcome.report.path).decode()
    assert outcome.submission.sha256 in page
    assert workspace.locate(outcome.submission.path) in page
    assert workspace.locate("submissions/best.csv") in page
    (link,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]+)"', page)
    assert unquote_to_bytes(link) == workspace.read(outcome.submission.path)
    assert "Worst people" in page
    assert "Surest mistakes" in page


def test_a_second_start_does_nothing(finished, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, made, outcome = finished

    def refuse(spec: EnsembleSpec, job: entry.Job) -> EnsembleOutcome:
        raise AssertionError("ran again")

    assert entry.run_spec(refuse, made, LOG) == outcome


@pytest.mark.slow
def test_the_same_spec_elsewhere_gives_the_same_answers(finished, tmp_path) -> None:
    world, _, _, outcome = finished
    workspace = open_workspace(str(tmp_path / "workspace"))
    again = entry.run_spec(run, spec(world, workspace, tmp_path), LOG)
    assert again.submission == outcome.submission
    assert again.oof == outcome.oof
    assert again.tables == outcome.tables
    assert again.figures == outcome.figures


def test_broken_predictions_publish_nothing(tmp_path) -> None:
    world = World()
    world.tables[4] = type(world.tables[4])("mask", 1, world.tables[4].table.iloc[1:])
    workspace = open_workspace(str(tmp_path / "workspace"))
    made = spec(world, workspace, tmp_path)
    with pytest.raises(InvariantError, match=r"network mask, fold 1: 1 image .* not predicted"):
        entry.run_spec(run, made, LOG)
    assert workspace.list("ensemble") == [f"{made.address}/spec.json"]
    assert workspace.list("submissions") == []


def test_faces_are_counted_by_part_and_by_class_of_a_photograph(finished) -> None:
    world, _, _, outcome = finished
    groups = {group.group: group for group in outcome.face_shares}
    assert list(groups) == ["train", "train, mask wear", "train, mask incorrect", "train, mask not worn"]
    assert groups["train, mask wear"].images == 5 * world.n_people


@pytest.mark.slow
def test_another_scheme_gets_a_table_of_its_attributes(tmp_path) -> None:
    world = World(recipe=recipe_of(THREE), n_people=20)
    workspace = open_workspace(str(tmp_path / "workspace"))
    outcome = entry.run_spec(run, spec(world, workspace, tmp_path), LOG)
    table = pd.read_csv(workspace.fetch(outcome.submission))
    pairs = [column for name in ("glasses", "stature", "hair") for column in (name, f"{name}_probability")]
    assert table.columns.tolist() == ["image", "class", "class_name", *pairs]
    assert table["image"].tolist() == world.evaluation["name"].tolist()
    names = world.recipe.scheme.class_names()
    assert table["class_name"].tolist() == [names[number] for number in table["class"]]
    assert workspace.read("submissions/latest.csv") == workspace.read(outcome.submission.path)
    assert set(outcome.scores["vote"].attributes) == {"glasses", "stature", "hair"}
    assert [group.group for group in outcome.face_shares] == ["train", "train, glasses no", "train, glasses yes"]
    assert "train, glasses yes" in workspace.read(outcome.report.path).decode()


def test_without_evaluation_images_there_is_no_submission(tmp_path) -> None:
    world = World(recipe=recipe_of(ONE, final_fit=True), n_people=20, n_eval=0)
    workspace = open_workspace(str(tmp_path / "workspace"))
    outcome = entry.run_spec(run, spec(world, workspace, tmp_path), LOG)
    assert (outcome.submission, outcome.latest) == (None, None)
    assert workspace.list("submissions") == []
    assert not [path for path in workspace.list("ensemble") if "submission" in path or "eval" in path]
    assert outcome.scores["vote"].macro_f1 is not None
    assert "so there is no submission" in workspace.read(outcome.report.path).decode()
