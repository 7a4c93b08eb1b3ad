"""A job's folder in the workspace."""

import os
from pathlib import Path

import pytest

from maskfold.errors import CorruptDataError, InputError
from maskfold.launch.folder import find_failure, find_outcome, post, read_spec, write_failure
from maskfold.specs import Failure, Tracking, WeightsOutcome, WeightsSpec
from maskfold.storage import open_workspace


@pytest.fixture
def spec(tmp_path: Path) -> WeightsSpec:
    return WeightsSpec(workspace=str(tmp_path / "w"), backbone="resnet18", pretrained="required")


def file_of(spec: WeightsSpec, name: str) -> Path:
    return Path(spec.workspace, spec.address, name)


def test_a_spec_is_read_by_its_address_and_the_newest_is_kept(spec: WeightsSpec) -> None:
    post(spec)
    assert read_spec(spec.workspace, spec.stage, spec.key) == spec
    again = spec.model_copy(update={"tracking": Tracking(uri="u", run_id="2")})
    post(again)
    assert read_spec(spec.workspace, spec.stage, spec.key) == again


def test_an_equal_spec_is_not_written_again(spec: WeightsSpec) -> None:
    post(spec)
    os.utime(file_of(spec, "spec.json"), (1, 1))
    post(spec)
    assert file_of(spec, "spec.json").stat().st_mtime == 1


def test_a_spec_of_a_workspace_that_was_moved_names_the_new_place(spec: WeightsSpec, tmp_path: Path) -> None:
    post(spec)
    Path(spec.workspace).rename(tmp_path / "moved")
    assert read_spec(str(tmp_path / "moved"), spec.stage, spec.key).workspace == str(tmp_path / "moved")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("resnet18", "resnet50", "key is"),
        ('"required"', '"perhaps"', "no valid spec of a job weights: pretrained: "),
        ('"backbone"', '"of_another_version"', "no valid spec of a job weights"),
        ("{", "", "no valid spec of a job weights: Invalid JSON"),
    ],
)
def test_a_spec_that_was_changed_is_refused(spec: WeightsSpec, old: str, new: str, message: str) -> None:
    post(spec)
    file = file_of(spec, "spec.json")
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=f"{file}: .*{message}.*use one version everywhere"):
        read_spec(spec.workspace, spec.stage, spec.key)


def test_a_spec_that_is_missing_is_named(spec: WeightsSpec) -> None:
    with pytest.raises(InputError, match=f"{file_of(spec, 'spec.json')}: there is no such file"):
        read_spec(spec.workspace, spec.stage, spec.key)


def test_a_failure_is_kept_until_the_job_is_asked_for_again(spec: WeightsSpec) -> None:
    workspace = post(spec)
    failure = Failure.of(InputError("a\nb"))
    write_failure(workspace, spec.address, failure)
    assert find_failure(workspace, spec.address) == failure == Failure(kind="InputError", message="a\nb", exit_code=2)
    post(spec)
    assert find_failure(workspace, spec.address) is None


def test_errors_of_others_are_named_by_their_class() -> None:
    assert Failure.of(ZeroDivisionError("by zero")) == Failure(
        kind="ZeroDivisionError", message="ZeroDivisionError: by zero", exit_code=1
    )


def test_a_damaged_outcome_is_said_with_its_place(spec: WeightsSpec) -> None:
    workspace = open_workspace(spec.workspace)
    outcome = WeightsOutcome(seconds=1, weights=None)
    workspace.write(f"{spec.address}/outcome.json", outcome.model_dump_json().encode())
    assert find_outcome(workspace, spec) == outcome
    workspace.write(f"{spec.address}/outcome.json", b'{"seconds": 1')
    with pytest.raises(CorruptDataError, match=rf"{spec.key}.outcome.json is damaged; delete that folder"):
        find_outcome(workspace, spec)
