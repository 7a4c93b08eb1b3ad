from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path

import pytest

from maskfold import submissions
from maskfold.storage import Workspace, open_workspace
from maskfold.submissions import BEST, LATEST, Made

NUMBERS = count()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path))


def run(workspace: Workspace, score: float, data: str = "one", classes: tuple[str, ...] = ("a", "b")) -> Made:
    """Publish the submission of a run as its ensemble job does."""
    number = next(NUMBERS)
    content = f"ImageID,ans\nx.jpg,{number}\n".encode()
    file = workspace.write(f"ensemble/{number}/submission.csv", content)
    made = Made(
        key=f"{number:016x}", recipe=f"recipe{number}", macro_f1=score, dataset_version=data, classes=classes,
        sha256=file.sha256, published=submissions.now(),
    )  # fmt: skip
    submissions.publish(workspace, file, made)
    return made


def held(workspace: Workspace, path: str) -> Made:
    """What a stable copy holds, its record, content and checksum agreeing."""
    record, content = submissions.read(workspace, path), workspace.read(path)
    assert record is not None
    assert content == workspace.read(f"submissions/{record.made.key}.csv")
    checksum, name = workspace.read(f"{path}.sha256").decode().split()
    assert (checksum, name) == (hashlib.sha256(content).hexdigest(), path.rpartition("/")[2])
    return record.made


def test_latest_is_the_newest_and_says_what_it_replaced(workspace: Workspace) -> None:
    first, second = run(workspace, 0.5), run(workspace, 0.4)
    assert held(workspace, LATEST) == second
    record = submissions.read(workspace, LATEST)
    assert record.replaced == first
    assert submissions.read(workspace, f"submissions/{first.key}.csv").replaced is None


def test_best_is_never_replaced_by_a_worse_or_equal_run(workspace: Workspace) -> None:
    best = run(workspace, 0.5)
    for score in (0.4, 0.5, 0.1):
        run(workspace, score)
        assert held(workspace, BEST) == best
    better = run(workspace, 0.6)
    assert held(workspace, BEST) == better
    assert submissions.read(workspace, BEST).replaced == best


@pytest.mark.parametrize("other", [{"data": "two"}, {"classes": ("a", "c")}], ids=["data set", "classes"])
def test_scores_of_other_data_or_classes_are_not_compared(workspace: Workspace, other: dict) -> None:
    best = run(workspace, 0.9)
    elsewhere = run(workspace, 0.2, **other)
    assert held(workspace, BEST) == elsewhere
    worse = run(workspace, 0.3)
    assert held(workspace, LATEST) == worse
    assert held(workspace, BEST) == best  # found again among all runs


def test_a_run_that_is_repeated_becomes_the_latest_and_no_more(workspace: Workspace) -> None:
    first, second = run(workspace, 0.3), run(workspace, 0.7)
    made, content = submissions.find(workspace, first.key)
    latest, best = submissions.renew(workspace, made, content)
    assert latest.made == first
    assert latest.replaced == second
    assert best.made == second
    assert submissions.renew(workspace, made, content)[0] == latest  # goes on to say what it replaced


def test_publishing_twice_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    made = run(workspace, 0.3)
    before = {path: workspace.read(path) for path in workspace.list("submissions")}
    file = workspace.write("ensemble/again/submission.csv", workspace.read(f"submissions/{made.key}.csv"))
    submissions.publish(workspace, file, made.model_copy(update={"published": "later"}))
    assert {path: workspace.read(path) for path in workspace.list("submissions")} == before


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"made": 1}'], ids=["empty", "no fields", "bytes", "types"])
def test_a_record_that_cannot_be_read_counts_as_none(workspace: Workspace, damage: bytes) -> None:
    run(workspace, 0.9)
    workspace.write("submissions/best.json", damage)
    workspace.write("submissions/latest.json", damage)
    newest = run(workspace, 0.5)
    assert held(workspace, LATEST) == newest
    assert submissions.read(workspace, LATEST).replaced is None
    assert held(workspace, BEST).macro_f1 == 0.9


def test_a_file_that_was_changed_does_not_count_as_what_its_record_says(workspace: Workspace) -> None:
    """As after a run that was killed between the two."""
    best = run(workspace, 0.9)
    workspace.write(BEST, b"something else")
    assert submissions.read(workspace, BEST) is None
    run(workspace, 0.5)
    assert held(workspace, BEST) == best


def test_a_submission_without_a_record_is_not_found(workspace: Workspace) -> None:
    workspace.write("submissions/0123456789abcdef.csv", b"of an earlier version")
    assert submissions.find(workspace, "0123456789abcdef") is None
    assert run(workspace, 0.1) == held(workspace, BEST)


def test_the_better_of_two_runs_that_end_at_once_is_best(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other, better run ends between our look at what is best and our write."""
    run(workspace, 0.1)
    write, better = submissions.write_with_checksum, []

    def interrupted(there: Workspace, path: str, content: bytes) -> object:
        if path == BEST and not better:
            better.append(None)
            better[0] = run(workspace, 0.9)
        return write(there, path, content)

    monkeypatch.setattr(submissions, "write_with_checksum", interrupted)
    worse = run(workspace, 0.5)
    assert held(workspace, BEST) == better[0]
    assert held(workspace, LATEST) in (worse, better[0])
