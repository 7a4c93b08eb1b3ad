"""The flow `predict`: on a real work pool with two workers, and through a real kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterTags,
)

from flows import prediction as planning
from flows.predict import predict
from flows.prediction import Prediction
from maskfold import parts as ledger
from maskfold.errors import InputError
from maskfold.launch.folder import post
from maskfold.storage import read_uri
from tests.inference.trained import Trained, train

pytestmark = [pytest.mark.slow, pytest.mark.servers]
ROOT = Path(__file__).parents[2]
SECONDS = 280.0


@pytest.fixture(scope="module")
def trained(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(drawn_data, tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of eight photographs, so that few make many."""
    monkeypatch.setattr(ledger, "PART_PHOTOGRAPHS", 8)
    monkeypatch.setattr(planning, "PART_PHOTOGRAPHS", 8)


def ask(trained: Trained, folder: Path, **options: Any) -> dict[str, Any]:
    images = trained.data / "eval" / "images"
    answered = predict(str(images), str(folder / "out.csv"), str(folder / "workspace"), trained.package, **options)
    assert isinstance(answered, dict)
    return answered


@pytest.mark.timeout(900)
def test_the_bytes_are_the_same_with_any_number_of_shards_on_two_workers(
    trained: Trained, two_workers: str, tmp_path: Path
) -> None:
    contents = []
    for shards, size in ((1, 1000), (2, 32), (7, 8)):
        folder = tmp_path / str(shards)
        summary = ask(trained, folder, launcher=f"pool:{two_workers}", shard_photographs=size)
        assert summary["photographs"] == summary["predicted"] == 56
        assert len(list(folder.glob("workspace/predict/*/outcome.json"))) == shards
        contents.append((folder / "out.csv").read_bytes())
    assert contents[0] == contents[1] == contents[2]
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=["predict"])),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[two_workers])),
        )
    assert {run.labels.get("prefect.worker.name") for run in runs} >= {"first", "second"}


def test_a_killed_job_is_continued_and_repeats_nothing(trained: Trained, tmp_path: Path, prefect_server: str) -> None:
    whole = tmp_path / "whole"
    ask(trained, whole)
    images = trained.data / "eval" / "images"
    workspace = tmp_path / "killed" / "workspace"
    prediction = Prediction.make(str(images), "", str(workspace), trained.package)
    (spec,) = prediction.shards(prediction.listed())
    post(spec)
    done = workspace / spec.folder / "done"
    job = subprocess.Popen(
        [sys.executable, "-m", "tasks.predict", str(workspace), spec.key],
        cwd=ROOT,
        env={**os.environ, "MASKFOLD_THREADS": "1"},
        start_new_session=True,
    )
    deadline = time.monotonic() + SECONDS
    while not done.is_dir() or len(list(done.iterdir())) < 2:
        assert job.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in done.glob("*.json")}
    assert 2 <= len(kept) < 7
    summary = ask(trained, tmp_path / "killed")
    assert {path.name: path.stat().st_mtime_ns for path in done.glob("*.json")}.items() >= kept.items()
    assert summary["predicted"] == 56 - 8 * len(kept)
    assert (tmp_path / "killed" / "out.csv").read_bytes() == (whole / "out.csv").read_bytes()


def test_a_schedule_over_a_bucket_does_new_photographs_once(
    trained: Trained, tmp_path: Path, s3_bucket: str, prefect_server: str
) -> None:
    import boto3

    client = boto3.client("s3")
    photographs = sorted((trained.data / "eval" / "images").iterdir())[:14]

    def put(path: Path) -> None:
        client.put_object(Bucket=s3_bucket, Key=f"in/{path.name}", Body=path.read_bytes())

    def again() -> dict[str, Any]:
        answered = predict(
            f"s3://{s3_bucket}/in", f"s3://{s3_bucket}/out/a.csv", f"s3://{s3_bucket}/workspace", trained.package
        )
        assert isinstance(answered, dict)
        return answered

    for path in photographs[:10]:
        put(path)
    first = again()
    assert (first["photographs"], first["predicted"], first["new"]) == (10, 10, None)
    for path in photographs[10:]:
        put(path)
    second = again()
    assert (second["photographs"], second["predicted"], second["new_photographs"]) == (14, 4, 4)
    assert second["new"] == f"s3://{s3_bucket}/out/a.new.csv"
    assert len(read_uri(second["new"]).splitlines()) == 5
    third = again()
    assert (third["photographs"], third["predicted"], third["new_photographs"]) == (14, 0, 0)
    assert len(read_uri(third["out"]).splitlines()) == 15


def test_wrong_input_ends_before_anything_is_written(trained: Trained, tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "empty").mkdir()
    images = trained.data / "eval" / "images"
    (tmp_path / "labels.csv").write_text("image,wings\na.jpg,two\n", encoding="utf-8")
    shutil.copyfile(next(images.iterdir()), tmp_path / "one.jpg")
    out, workspace = str(tmp_path / "out.csv"), str(tmp_path / "workspace")
    for arguments, message in (
        ({"images": str(tmp_path / "empty")}, "there is no photograph"),
        ({"images": str(tmp_path / "nowhere")}, "no such file or folder"),
        ({"model": str(tmp_path / "empty")}, "no model there"),
        ({"model": "run:latest"}, "there is no such folder"),
        ({"out": str(tmp_path)}, "this is a folder"),
        ({"labels": str(tmp_path / "labels.csv")}, "do not fit the model, which predicts mask, gender"),
    ):
        given = {"images": str(images), "out": out, "workspace": workspace, "model": trained.package, **arguments}
        with pytest.raises(InputError, match=message):
            predict(**given)
    assert not Path(workspace).exists()
    assert not Path(out).exists()
