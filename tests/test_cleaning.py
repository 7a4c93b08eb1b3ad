"""What a workspace needs, and what may be deleted."""

from pathlib import Path

import pytest

from maskfold.cleaning import delete, plan_cleaning
from maskfold.errors import WorkspaceError
from maskfold.history import best_first, read_runs
from maskfold.parts import Parts
from maskfold.photographs import ListedPhotograph
from maskfold.specs import AnswersSpec, PartDone, PredictSpec, package_folder
from maskfold.storage import Workspace, open_workspace
from tests.tracking.conftest import begin, fold_spec, play


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def failed(workspace: Workspace) -> str:
    """A run that trained one fold of other epochs and failed."""
    tracker = begin(workspace)
    spec = fold_spec(0, epochs=9)
    workspace.write(f"{spec.address}/spec.json", spec.model_dump_json().encode())
    workspace.write(f"{spec.address}/checkpoint/1.pt", b"state")
    tracker.add([spec])
    tracker.finish("FAILED", "no room")
    return spec.address


def test_only_what_no_kept_run_needs_goes(workspace: Workspace) -> None:
    play(begin(workspace), workspace)
    kept = set(workspace.list())
    gone = failed(workspace)
    strange = {"notes.txt", "crop/my-notes/x.txt", "submissions/mine.csv", f"elsewhere/{'1' * 16}/x", "inputs/x/y"}
    for path in strange:
        workspace.write(path, b"the user's own")
    plan = plan_cleaning(workspace, keep=0)
    assert [run.status for run in plan.kept] == ["finished"]
    assert {path.rpartition("/")[0] for path in plan.files} >= {gone, f"{gone}/checkpoint"}
    delete(workspace, plan)
    assert set(workspace.list()) == kept | strange
    assert plan_cleaning(workspace, keep=0).files == ()


def test_the_newest_are_kept(workspace: Workspace) -> None:
    gone = failed(workspace)
    plan = plan_cleaning(workspace, keep=1)
    assert plan.files == ()
    plan = plan_cleaning(workspace, keep=0)
    assert any(path.startswith(gone) for path in plan.files)
    assert plan.size > 0


def test_nothing_is_deleted_under_a_running_run(workspace: Workspace) -> None:
    tracker = begin(workspace)
    with pytest.raises(WorkspaceError, match="still running"):
        plan_cleaning(workspace, keep=0)
    tracker.finish("FAILED", "over")
    plan_cleaning(workspace, keep=0)


def test_nothing_is_deleted_if_a_run_has_begun_since_it_was_planned(workspace: Workspace) -> None:
    failed(workspace)
    plan = plan_cleaning(workspace, keep=0)
    before = set(workspace.list())
    tracker = begin(workspace)
    with pytest.raises(WorkspaceError, match=r"has begun in the meantime .* nothing was deleted"):
        delete(workspace, plan)
    tracker.finish("FAILED", "over")  # it may have left results that count on what would be deleted
    with pytest.raises(WorkspaceError, match="has begun in the meantime"):
        delete(workspace, plan)
    assert before < set(workspace.list())
    delete(workspace, plan_cleaning(workspace, keep=0))


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b"null"])
def test_nothing_is_deleted_when_a_record_cannot_be_read(damage: bytes, workspace: Workspace) -> None:
    failed(workspace)
    (record,) = (path for path in workspace.list("runs") if path.endswith("run.json"))
    workspace.write(record, damage)
    with pytest.raises(WorkspaceError, match="not known"):
        plan_cleaning(workspace, keep=0)


def test_the_best_run_is_first_and_those_without_a_score_last(workspace: Workspace) -> None:
    failed(workspace)
    play(begin(workspace), workspace)
    runs, damaged = read_runs(workspace)
    assert damaged == []
    assert [run.score for run in best_first(runs)] == [0.71, None]
    assert [run.status for run in best_first(runs)] == ["finished", "failed"]


def test_the_trials_of_a_study_are_kept_and_go_with_it(workspace: Workspace) -> None:
    study = begin(workspace)
    trial = begin(workspace, parent=study.id)
    spec = fold_spec(0, epochs=9)
    workspace.write(f"{spec.address}/spec.json", spec.model_dump_json().encode())
    trial.done(spec)
    trial.finish()
    study.finish()
    runs, _ = read_runs(workspace)
    assert [(run.record.id, [part.id for part in run.parts]) for run in runs] == [(study.id, [trial.id])]
    assert plan_cleaning(workspace, keep=1).files == ()
    gone = plan_cleaning(workspace, keep=0)
    assert any(path.startswith(spec.address) for path in gone.files)
    assert any(trial.id in path for path in gone.files)


def predicted(workspace: Workspace, digest: str, root: str) -> set[str]:
    """What a prediction leaves in a workspace."""
    parts = Parts.of(workspace, digest, root, all_faces=False)
    part = parts.add([ListedPhotograph("a.jpg", "a.jpg", "state", "")])
    file = workspace.write(parts.answers(part), b"answers")
    parts.finish(part, PartDone(file=file, photographs=1, rows=1, unreadable=0))
    given = {"workspace": workspace.uri, "model": "models/x", "digest": digest, "root": root, "folder": parts.folder}
    order = workspace.write(f"{parts.folder}/orders/1.json", b"{}")
    for spec in (PredictSpec(**given, parts=(part,)), AnswersSpec(**given, order=order)):
        workspace.write(f"{spec.address}/spec.json", spec.model_dump_json().encode())
        workspace.write(f"{spec.address}/outcome.json", b"{}")
    return {
        path for path in workspace.list() if root in path or path.startswith((parts.folder, "predict/", "answers/"))
    }


def test_answers_go_with_the_package_that_gave_them(workspace: Workspace) -> None:
    play(begin(workspace), workspace)
    package = workspace.write(f"{package_folder('0123456789abcdef')}/model.json", b"of no kept run")
    elsewhere = predicted(workspace, "1" * 64, "s3://photographs/elsewhere")
    both = predicted(workspace, package.sha256, "s3://photographs/gone")
    delete(workspace, plan_cleaning(workspace, keep=0))
    left = set(workspace.list())
    assert elsewhere <= left
    assert not (both - elsewhere) & left
    assert package.path not in left
