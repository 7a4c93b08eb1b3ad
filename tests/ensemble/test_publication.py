from __future__ import annotations

import hashlib
import logging

import pytest

from maskfold import submissions
from maskfold.ensemble import publication
from maskfold.ensemble.combination import combine
from maskfold.ensemble.publishers import Publisher, competition
from maskfold.errors import InvariantError
from maskfold.storage import open_workspace
from maskfold.submissions import BEST, LATEST
from tests.ensemble.synthetic import THREE, World, recipe_of, spec


def test_the_submission_is_published_with_its_checksum_and_stable_copies(
    tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(n_eval=7)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    workspace = open_workspace(str(tmp_path / "workspace"))
    made = spec(world, workspace, tmp_path)
    file = publication.publish_submission(combination, "competition", workspace, "ensemble/k")
    with caplog.at_level(logging.INFO):
        publication.publish_stable_copies(file, combination, made, workspace, logging.getLogger("test"))
    assert caplog.messages == []  # replaces nothing

    content = workspace.read("ensemble/k/submission.csv")
    lines = content.decode().splitlines()
    assert lines[0] == "ImageID,ans"
    assert [line.split(",")[0] for line in lines[1:]] == world.evaluation["name"].tolist()
    assert [int(line.split(",")[1]) for line in lines[1:]] == combination.vote.evaluation.argmax(axis=1).tolist()
    for path in ("ensemble/k/submission.csv", f"submissions/{made.key}.csv", LATEST, BEST):
        assert workspace.read(path) == content
        checksum, name = workspace.read(f"{path}.sha256").decode().split()
        assert checksum == hashlib.sha256(content).hexdigest() == file.sha256
        assert path.endswith(name)
    record = submissions.read(workspace, BEST).made
    scores = combination.scores["vote"]
    assert (record.macro_f1, record.macro_f1_low, record.macro_f1_high) == (
        scores.macro_f1, scores.macro_f1_low, scores.macro_f1_high,
    )  # fmt: skip
    assert (record.dataset_version, record.recipe) == (made.dataset_version, "synthetic")


def test_a_worse_run_says_what_it_replaces_and_what_stays(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    workspace = open_workspace(str(tmp_path / "workspace"))
    keys = []
    for accuracy in (0.9, 0.5):
        world = World(n_eval=7, accuracy=accuracy)
        combination = combine(world.recipe, world.manifest, world.folds, world.tables)
        made = spec(world, workspace, tmp_path).model_copy(update={"trained_keys": (str(accuracy),)})
        keys.append(made.key)
        file = publication.publish_submission(combination, "competition", workspace, made.address)
        with caplog.at_level(logging.INFO):
            publication.publish_stable_copies(file, combination, made, workspace, logging.getLogger("test"))
    replaced, stays = caplog.messages
    assert replaced.startswith(f"submissions/latest.csv replaces that of synthetic ({keys[0]}, macro-F1 0.")
    assert stays.startswith(f"submissions/best.csv stays that of synthetic ({keys[0]}, macro-F1 0.")


def test_a_submission_that_fails_its_check_is_not_published(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    broken = Publisher(lambda *_: b"ImageID,ans\n", competition.check)
    monkeypatch.setattr(publication, "publisher_for", lambda reader: broken)
    workspace = open_workspace(str(tmp_path))
    with pytest.raises(InvariantError, match=r"0 rows; info\.csv has 10"):
        publication.publish_submission(combination, "competition", workspace, "ensemble/k")
    assert workspace.list() == []


def test_the_reader_decides_the_form(tmp_path) -> None:
    world = World(recipe=recipe_of(THREE), n_people=10)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    workspace = open_workspace(str(tmp_path))
    for reader in ("table", "folders"):
        publication.publish_submission(combination, reader, workspace, f"ensemble/{reader}")
        header = workspace.read(f"ensemble/{reader}/submission.csv").decode().splitlines()[0]
        assert header.startswith("image,class,class_name,glasses,glasses_probability,stature,")
    with pytest.raises(InvariantError, match=r"dataset\.reader auto has no publisher"):
        publication.publish_submission(combination, "auto", workspace, "ensemble/k")


def test_without_evaluation_images_nothing_is_published(tmp_path) -> None:
    world = World(n_eval=0)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    workspace = open_workspace(str(tmp_path))
    assert publication.publish_submission(combination, "competition", workspace, "ensemble/k") is None
    assert workspace.list() == []
