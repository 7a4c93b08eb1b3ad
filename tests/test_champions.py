"""Which model of a workspace is the one to use."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from maskfold import champions
from maskfold.champions import Champion
from maskfold.cleaning import plan_cleaning
from maskfold.errors import CorruptDataError
from maskfold.inference.succession import consider
from maskfold.scheme import Attribute, Scheme
from maskfold.storage import Workspace, open_workspace
from tests.packages import Exported, export, out_of_fold

MODEL = "maskfold-mask"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def run(workspace: Workspace, number: int, right: float, **more: object) -> tuple[Exported, str, bool]:
    """Export a model as a run does; return what was decided, and whether people hear of it."""
    table = out_of_fold(right, seed=number)
    score = float((table["true_class"] == table["predicted_class"]).mean())
    exported = export(workspace, f"{number:016x}", score, oof=table, **more)
    return exported, *consider(exported.spec, exported.outcome, workspace)


def champion(workspace: Workspace) -> Champion:
    return champions.read(workspace, MODEL).champion


def test_the_first_model_becomes_champion(workspace: Workspace) -> None:
    exported, said, aloud = run(workspace, 1, 0.6)
    held = champions.read(workspace, MODEL)
    assert (held.champion.key, held.champion.digest) == (exported.spec.key, exported.outcome.digest)
    assert (held.champion.set_by, held.replaced) == ("first", None)
    assert held.champion.oof == exported.spec.result.oof
    assert "is the champion" in said
    assert not aloud


def test_a_better_model_replaces_it_and_says_whom_and_by_how_much(workspace: Workspace) -> None:
    first, _, _ = run(workspace, 1, 0.6)
    second, said, aloud = run(workspace, 2, 0.8)
    held = champions.read(workspace, MODEL)
    assert (held.champion.key, held.champion.set_by) == (second.spec.key, "score")
    assert held.replaced.key == first.spec.key
    assert held.champion.margin.difference == pytest.approx(0.2, abs=0.07)
    assert held.champion.margin.share == 1.0
    assert "becomes the champion in place of" in said
    assert not aloud


@pytest.mark.parametrize("right", [0.4, 0.6])
def test_a_worse_or_an_equal_model_does_not(workspace: Workspace, right: float) -> None:
    first, _, _ = run(workspace, 1, 0.6)
    same = out_of_fold(right, seed=1)  # of the same random numbers
    other = export(workspace, "2" * 16, oof=same)
    said, aloud = consider(other.spec, other.outcome, workspace)
    assert champion(workspace).key == first.spec.key
    assert "stays" in said
    assert "not better" in said
    assert not aloud


@pytest.mark.parametrize(
    ("more", "why"),
    [({"dataset_version": "e"}, "another version of the data set"), ({"scheme": "renamed"}, "other classes")],
    ids=["data set", "classes"],
)
def test_scores_of_other_data_or_classes_do_not_count_and_the_user_hears_it(
    workspace: Workspace, more: dict[str, object], why: str
) -> None:
    first, _, _ = run(workspace, 1, 0.3)
    if "scheme" in more:
        scheme = first.spec.vote.recipe.scheme
        renamed = scheme.attributes[0].model_copy(update={"values": ("x", "y", "z")})
        more = {"scheme": Scheme(name=scheme.name, attributes=(renamed, *scheme.attributes[1:]))}
    _, said, aloud = run(workspace, 2, 0.9, **more)
    assert champion(workspace).key == first.spec.key
    assert why in said
    assert f"maskfold promote --workspace {workspace.uri}" in said
    assert aloud


def test_another_scheme_has_a_champion_of_its_own(workspace: Workspace) -> None:
    first, _, _ = run(workspace, 1, 0.9)
    attributes = (Attribute(name="hat", values=("no", "yes")), Attribute(name="scarf", values=tuple("abcdefghi")))
    run(workspace, 2, 0.3, scheme=Scheme(name="clothes", attributes=attributes))
    assert champions.models_with_one(workspace) == ["maskfold-clothes", MODEL]
    assert champion(workspace).key == first.spec.key


@pytest.mark.parametrize("damage", ["deleted", "changed"])
def test_a_champion_without_its_table_stays_and_the_user_hears_it(workspace: Workspace, damage: str) -> None:
    first, _, _ = run(workspace, 1, 0.3)
    path = first.spec.result.oof.path
    workspace.delete(path) if damage == "deleted" else workspace.write(path, b"something else")
    _, said, aloud = run(workspace, 2, 0.9)
    assert champion(workspace).key == first.spec.key
    assert "cannot be read" in said
    assert aloud


def test_deciding_again_changes_nothing(workspace: Workspace) -> None:
    """As a job does that is killed after it, or a run that finds everything done."""
    first, _, _ = run(workspace, 1, 0.6)
    second, _, _ = run(workspace, 2, 0.8)
    before = workspace.read(champions.path_of(MODEL))
    for exported in (second, first, second):
        consider(exported.spec, exported.outcome, workspace)
        assert champions.crown_first(workspace, exported.spec, exported.outcome) is None
    assert workspace.read(champions.path_of(MODEL)) == before


def test_a_champion_that_was_exported_again_has_its_new_digest(workspace: Workspace) -> None:
    run(workspace, 1, 0.6)
    exported, _, _ = run(workspace, 2, 0.8)
    again = exported.outcome.model_copy(update={"digest": "f" * 64})
    consider(exported.spec, again, workspace)
    held = champions.read(workspace, MODEL)
    assert (held.champion.digest, held.champion.set_by) == ("f" * 64, "score")
    assert held.replaced is not None


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"champion": 1}'])
def test_a_damaged_record_is_named_and_the_next_run_writes_a_new_one(workspace: Workspace, damage: bytes) -> None:
    run(workspace, 1, 0.6)
    workspace.write(champions.path_of(MODEL), damage)
    with pytest.raises(CorruptDataError, match="maskfold promote"):
        champions.read(workspace, MODEL)
    second, _, _ = run(workspace, 2, 0.4)
    assert champion(workspace).key == second.spec.key


def test_of_models_that_end_at_once_one_decides_after_the_other(workspace: Workspace) -> None:
    exported = [
        export(workspace, f"{number:016x}", oof=out_of_fold(right, seed=number))
        for number, right in enumerate((0.3, 0.5, 0.9, 0.6, 0.4))
    ]
    threads = [threading.Thread(target=consider, args=(one.spec, one.outcome, workspace)) for one in exported]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert champion(workspace).key == exported[2].spec.key


def test_cleaning_keeps_the_champion_and_what_it_is_compared_by(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    kept, _, _ = run(workspace, 1, 0.9)
    gone, _, _ = run(workspace, 2, 0.3)
    doomed = {path.rpartition("/")[0] for path in plan_cleaning(workspace, keep=0).files}
    assert doomed >= {gone.spec.folder, gone.spec.address, "ensemble/" + "0" * 15 + "2"}
    assert not doomed & {kept.spec.folder, kept.spec.address, "ensemble/" + "0" * 15 + "1", "models"}
