from __future__ import annotations

import hashlib

import pytest

from maskfold.ensemble import publication
from maskfold.ensemble.combination import combine
from maskfold.errors import InvariantError
from maskfold.storage import open_workspace
from tests.ensemble.synthetic import World


def test_the_submission_is_published_with_its_checksum_and_stable_copies(tmp_path) -> None:
    world = World(n_eval=7)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    workspace = open_workspace(str(tmp_path))
    file = publication.publish_submission(combination, workspace, "ensemble/k")
    publication.publish_stable_copies(file, "k", workspace)

    content = workspace.read("ensemble/k/submission.csv")
    lines = content.decode().splitlines()
    assert lines[0] == "ImageID,ans"
    assert [line.split(",")[0] for line in lines[1:]] == world.evaluation["name"].tolist()
    assert [int(line.split(",")[1]) for line in lines[1:]] == combination.vote.evaluation.argmax(axis=1).tolist()
    for path in ("ensemble/k/submission.csv", "submissions/k.csv", "submissions/latest.csv"):
        assert workspace.read(path) == content
        checksum, name = workspace.read(f"{path}.sha256").decode().split()
        assert checksum == hashlib.sha256(content).hexdigest() == file.sha256
        assert path.endswith(name)


def test_a_submission_that_fails_its_check_is_not_published(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    monkeypatch.setattr(publication, "to_csv", lambda names, answers: b"ImageID,ans\n")
    workspace = open_workspace(str(tmp_path))
    with pytest.raises(InvariantError, match=r"0 rows; info\.csv has 10"):
        publication.publish_submission(combination, workspace, "ensemble/k")
    assert workspace.list() == []
