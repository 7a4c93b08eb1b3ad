import logging
from pathlib import Path

import pytest
import torch

from maskfold.storage import Workspace
from maskfold.training.checkpoint import Checkpoints
from tests.training import drawn

FOLDER = "train_fold/key/checkpoint"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return drawn.workspace(tmp_path)


@pytest.fixture
def checkpoints(workspace: Workspace, tmp_path: Path) -> Checkpoints:
    return Checkpoints(workspace, FOLDER, tmp_path, logging.getLogger("test"))


def content(number: int) -> dict[str, object]:
    return {"number": number, "tensor": torch.full((3,), float(number)), "nested": {"list": [1, "a", None, 2.5]}}


def file_of(workspace: Workspace, suffix: str, last: int = -1) -> Path:
    address = [name for name in workspace.list(FOLDER) if name.endswith(suffix)][last]
    return Path(workspace.locate(address))


def test_without_checkpoints_there_is_none(checkpoints: Checkpoints):
    assert checkpoints.newest() is None


def test_the_newest_comes_back_as_it_was_and_two_are_kept(checkpoints: Checkpoints, workspace: Workspace):
    for number, (epoch, step) in enumerate([(0, 9), (1, 0), (1, 5), (10, 0)]):
        checkpoints.save(content(number), epoch, step)
    found = checkpoints.newest()
    assert found is not None
    assert found["number"] == 3
    assert torch.equal(found["tensor"], torch.full((3,), 3.0))
    assert found["nested"] == {"list": [1, "a", None, 2.5]}
    assert len(workspace.list(FOLDER)) == 4


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".pt", ".json"])
@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit, Path.unlink])
def test_a_damaged_newest_falls_back_to_the_one_before_and_says_so(
    damage: object, suffix: str, checkpoints: Checkpoints, workspace: Workspace, caplog: pytest.LogCaptureFixture
):
    checkpoints.save(content(1), 1, 0)
    checkpoints.save(content(2), 2, 0)
    damage(file_of(workspace, suffix))
    found = checkpoints.newest()
    assert found is not None
    assert found["number"] == 1
    if not (damage is Path.unlink and suffix == ".json"):  # without its description it was never finished
        assert "00002-00000000.json is damaged, trying the one before" in caplog.text
    checkpoints.save(content(3), 2, 0)
    again = checkpoints.newest()
    assert again is not None
    assert again["number"] == 3


def test_when_all_are_damaged_training_begins_anew(checkpoints: Checkpoints, workspace: Workspace):
    checkpoints.save(content(1), 1, 0)
    checkpoints.save(content(2), 2, 0)
    for last in (0, 1):
        _flip_a_bit(file_of(workspace, ".pt", last))
    assert checkpoints.newest() is None
    assert workspace.list(FOLDER) == []


def test_a_save_that_was_killed_before_its_description_does_not_count(checkpoints: Checkpoints, workspace: Workspace):
    checkpoints.save(content(1), 1, 0)
    workspace.write(f"{FOLDER}/00002-00000000.pt", b"half")
    found = checkpoints.newest()
    assert found is not None
    assert found["number"] == 1
    checkpoints.save(content(2), 2, 4)
    assert f"{FOLDER}/00002-00000000.pt" not in workspace.list(FOLDER)


def test_code_is_not_executed(checkpoints: Checkpoints, workspace: Workspace, tmp_path: Path):
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (tmp_path / "exploded",)

    checkpoints.save({"bomb": Bomb()}, 1, 0)
    assert checkpoints.newest() is None
    assert not (tmp_path / "exploded").exists()


def test_delete_leaves_nothing(checkpoints: Checkpoints, workspace: Workspace):
    checkpoints.save(content(1), 1, 0)
    workspace.write("train_fold/key/outcome.json", b"{}")
    checkpoints.delete()
    assert workspace.list() == ["train_fold/key/outcome.json"]


@pytest.mark.parametrize("value", [5, [1, 2], "text", None])
def test_a_checkpoint_that_is_no_state_counts_as_damaged(
    checkpoints: Checkpoints, workspace: Workspace, caplog: pytest.LogCaptureFixture, value: object
):
    checkpoints.save(content(1), 0, 1)
    checkpoints.save(value, 0, 2)  # type: ignore[arg-type]
    found = checkpoints.newest()
    assert found is not None
    assert found["number"] == 1
    assert "holds no state of a training" in caplog.text


def test_only_its_own_files_are_deleted(checkpoints: Checkpoints, workspace: Workspace):
    for name in ("notes.txt", "deep/00000-00000001.pt", "00000-00000001.json.bak"):
        workspace.write(f"{FOLDER}/{name}", b"precious")
    for step in range(4):
        checkpoints.save(content(step), 0, step)
    checkpoints.delete()
    assert len(workspace.list(FOLDER)) == 3
