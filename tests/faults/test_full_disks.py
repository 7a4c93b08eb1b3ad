"""Disks that are full while any of the jobs runs: it says so, and goes on when there is space again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.plan import plan_run
from maskfold.errors import EXIT_FAULT, MaskfoldError
from maskfold.specs import Outcome, Spec
from tests.faults.disks import small_disk
from tests.faults.jobs import Undisturbed, run, whole_run
from tests.faults.outputs import Outputs
from tests.servers.s3 import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def refused(spec: Spec[Outcome]) -> bool:
    """Run a job on a full disk; return whether it failed, and make sure that it said why."""
    failures: list[MaskfoldError] = []
    try:
        run(spec)
    except MaskfoldError as error:
        failures.append(error)
    assert all("disk is full" in str(error) and error.exit_code == EXIT_FAULT for error in failures), failures
    return bool(failures)


@dataclass(frozen=True)
class Store:
    """Where a data set and a workspace are."""

    data: str
    workspace: str
    outputs: Callable[[], Outputs]


@pytest.fixture
def local(drawn_data: Path, tmp_path: Path) -> Store:
    return Store(str(drawn_data), str(tmp_path / "workspace"), lambda: Outputs.of_folder(tmp_path / "workspace"))


@pytest.fixture
def bucket(drawn_data: Path, s3_server: S3Server, s3_bucket: str) -> Store:
    """Both on S3: what is read of them has copies in this machine's home."""
    for path in sorted(drawn_data.rglob("*.*")):
        s3_server.client().upload_file(str(path), s3_bucket, f"data/{path.relative_to(drawn_data).as_posix()}")
    name = f"w-{uuid.uuid4().hex}"
    return Store(
        f"s3://{s3_bucket}/data", f"s3://{s3_bucket}/{name}", lambda: Outputs.of_bucket(s3_server, s3_bucket, name)
    )


@pytest.mark.parametrize(
    ("store", "disks"),
    [
        ("local", [("own folder", "16k"), ("own folder", "1m"), ("temporary files", "16k"), ("temporary files", "1m")]),
        ("bucket", [("home", "16k"), ("home", "1m"), ("temporary files", "1m")]),
    ],
)
def test_every_job_says_that_its_disk_is_full_and_goes_on_later(
    store: str,
    disks: list[tuple[str, str]],
    undisturbed: Undisturbed,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored: Store = request.getfixturevalue(store)
    places = {"temporary files": tmp_path / "tmp", "home": tmp_path / "home"}
    places["temporary files"].mkdir()
    monkeypatch.setenv("MASKFOLD_HOME", str(places["home"]))
    failed: set[tuple[str, str]] = set()

    def on_full_disks(spec: Spec[Outcome]) -> None:
        for place, size in disks:
            folder = places.get(place) or Path(stored.workspace) / getattr(spec, "folder", spec.address)
            with small_disk(folder, size), monkeypatch.context() as patch:
                patch.setenv("TMPDIR", str(places["temporary files"]))
                if refused(spec):
                    failed.add((place, spec.stage))
        run(spec)

    whole_run(plan_run(stored.data, stored.workspace, "smoke"), on_full_disks)
    found, expected = stored.outputs(), undisturbed.outputs()
    if store == "local":
        assert found.differences(expected) == []
    assert found.contents() == expected.contents()
    assert not list(places["temporary files"].iterdir())
    for place in {"own folder", "temporary files"} if store == "local" else {"home"}:
        assert {(place, stage) for stage in ("crop", "train_fold", "ensemble")} <= failed, failed
