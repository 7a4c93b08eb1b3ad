"""The job detect: several share the search for faces, and the packs are the same bytes."""

import logging
from pathlib import Path

import boto3
import numpy as np
import pytest

from flows.plan import Plan, plan_run
from maskfold.faces.cascade import Cascade
from maskfold.launch import entry
from maskfold.launch.entry import THREADS_VARIABLE
from maskfold.specs import CropOutcome, PrepareOutcome
from maskfold.storage import open_workspace
from tasks import crop, detect, prepare

_LOG = logging.getLogger("test")
SETTINGS = ["crop.face_size=[48,36]", "crop.portrait_size=[32,24]", "folds.k=3"]


def prepared(data: str, workspace: Path, shard_images: int) -> tuple[Plan, PrepareOutcome]:
    plan = plan_run(data, str(workspace), "smoke", [*SETTINGS, f"dataset.shard_images={shard_images}"])
    return plan, entry.run_spec(prepare.run, plan.prepare(), _LOG)


def packed(outcome: CropOutcome) -> tuple[str, ...]:
    return outcome.faces.sha256, outcome.portraits.sha256, outcome.index.sha256


@pytest.fixture(scope="module")
def undivided(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Digests of the packs that one job makes."""
    plan, found = prepared(str(drawn_data), tmp_path_factory.mktemp("undivided"), 20_000)
    assert plan.detect(found) == []
    return packed(entry.run_spec(crop.run, plan.crop(found), _LOG))


@pytest.mark.slow
@pytest.mark.parametrize(("shard_images", "shares"), [(75, 2), (20, 7)])
def test_the_packs_are_the_same_bytes_however_many_jobs_search(
    drawn_data: Path,
    undivided: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shard_images: int,
    shares: int,
) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "1")
    plan, found = prepared(str(drawn_data), tmp_path, shard_images)
    asked = plan.detect(found)
    assert len(asked) == shares
    assert len({spec.key for spec in asked}) == shares
    done = [entry.run_spec(detect.run, spec, _LOG) for spec in asked]
    assert sum(one.n_images for one in done) == found.n_train + found.n_eval
    looks, look = list[int](), Cascade.detect

    def counting(cascade: Cascade, images: list[np.ndarray]) -> list:
        looks.append(len(images))
        return look(cascade, images)

    monkeypatch.setattr(Cascade, "detect", counting)
    assert packed(entry.run_spec(crop.run, plan.crop(found), _LOG)) == undivided
    assert sum(looks) < 30  # closer looks alone


def test_the_number_of_shares_is_in_no_key_of_other_jobs(drawn_data: Path, tmp_path: Path) -> None:
    one, other = (
        plan_run(str(drawn_data), str(tmp_path), "smoke", [*SETTINGS, f"dataset.shard_images={count}"])
        for count in (20, 20_000)
    )
    assert one.prepare().key == other.prepare().key


@pytest.mark.slow
def test_a_share_of_a_data_set_on_s3_fetches_its_own_photographs(
    drawn_data: Path,
    undivided: tuple[str, ...],
    tmp_path: Path,
    s3_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("s3")
    for path in (one for one in drawn_data.rglob("*") if one.is_file()):
        key = f"data/{path.relative_to(drawn_data).as_posix()}"
        client.put_object(Bucket=s3_bucket, Key=key, Body=path.read_bytes())
    plan, found = prepared(f"s3://{s3_bucket}/data", tmp_path / "workspace", 75)
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "another-host"))
    for spec in plan.detect(found):
        entry.run_spec(detect.run, spec, _LOG)
    assert not list((tmp_path / "another-host").rglob("*.jpg"))
    assert open_workspace(str(tmp_path / "workspace")).list("detections")
    assert packed(entry.run_spec(crop.run, plan.crop(found), _LOG))[0] == undivided[0]
