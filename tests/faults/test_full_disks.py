"""Disks that are full while any of the jobs runs: it says so, and goes on when there is space again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.plan import plan_run
from maskfold.errors import EXIT_FAULT, MaskfoldError
from maskfold.specs import Outcome, Spec
from tests.faults.disks import small_disk
from tests.faults.jobs import run, undisturbed, whole_run
from tests.faults.outputs import Outputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SIZES = ("16k", "1m")
SETTINGS = ("networks.joint.size=[32,32]",)


def refused(spec: Spec[Outcome]) -> bool:
    """Run a job on a full disk; return whether it failed, and make sure that it said why."""
    failures: list[MaskfoldError] = []
    try:
        run(spec)
    except MaskfoldError as error:
        failures.append(error)
    assert all("disk is full" in str(error) and error.exit_code == EXIT_FAULT for error in failures), failures
    return bool(failures)


@pytest.fixture(scope="module")
def expected(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return undisturbed(drawn_data, tmp_path_factory.mktemp("undisturbed") / "workspace", *SETTINGS)


@pytest.fixture(params=["its own folder", "temporary files"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Spec[Outcome]], Path]:
    if request.param == "temporary files":
        return lambda spec: tmp_path / "tmp"
    return lambda spec: tmp_path / "workspace" / getattr(spec, "folder", spec.address)


def test_every_job_says_that_its_disk_is_full_and_goes_on_later(
    place: Callable[[Spec[Outcome]], Path],
    expected: Outputs,
    drawn_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "tmp").mkdir()
    failed: dict[str, bool] = {}

    def on_full_disks(spec: Spec[Outcome]) -> None:
        for size in SIZES:
            with small_disk(place(spec), size), monkeypatch.context() as patch:
                patch.setenv("TMPDIR", str(tmp_path / "tmp"))
                failed[spec.stage] = refused(spec) or failed.get(spec.stage, False)
        run(spec)

    whole_run(plan_run(str(drawn_data), str(tmp_path / "workspace"), "smoke", SETTINGS), on_full_disks)
    assert Outputs.of_folder(tmp_path / "workspace").differences(expected) == []
    assert not list((tmp_path / "tmp").iterdir())
    assert {stage for stage, once in failed.items() if once} >= {"crop", "train_fold", "ensemble"}, failed
