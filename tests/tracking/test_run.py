"""A flow that records itself, while MLflow answers."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from maskfold.specs import Tracking
from maskfold.storage import Workspace
from maskfold.tracking import RunTracker, job_recorder, refuse_unusable_uri
from tests.tracking.conftest import (
    DATA,
    artifacts,
    begin,
    epochs,
    fold_outcome,
    fold_spec,
    play,
    recipe,
    runs_of,
    steps,
)

LOG = logging.getLogger("maskfold.train_fold")


def train(tracking: Tracking | None, count: int = 3) -> None:
    with job_recorder(tracking, LOG) as recorder:
        for record in epochs(count):
            recorder.epoch(record)


def test_links_lead_where_browsers_reach_mlflow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_MLFLOW_PAGE", "https://me:Pa55@box.example:5043/")
    tracker = begin(workspace)
    assert tracker.page().startswith("https://box.example:5043/#/experiments/")
    assert tracker.page().endswith(f"/runs/{tracker.run_id}?workflowType=machine_learning")
    assert f"/runs/{tracker.run_id}/artifacts/report.html?" in tracker.page("artifacts/report.html")
    tracker.finish()


def test_a_whole_flow_is_recorded(uri: str, workspace: Workspace) -> None:
    tracker = begin(workspace)
    assert tracker.page().startswith(uri if uri.startswith("http") else "http://127.0.0.1:5000/")
    play(tracker, workspace)
    client = MlflowClient(tracking_uri=uri)
    parent = client.get_run(tracker.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "smoke realdata 0.710"
    assert client.get_experiment(parent.info.experiment_id).name == "maskfold"
    assert f"/#/experiments/{parent.info.experiment_id}/runs/{tracker.run_id}?" in tracker.page()
    assert parent.data.params["data"] == DATA
    assert parent.data.params["folds.k"] == "2"
    assert parent.data.params["networks.joint.optimizer.name"] == "adamw"
    assert parent.data.tags["prefect.flow_run_url"] == "http://ui/1"
    assert parent.data.tags["dataset_version"] == "version-1"
    assert len(parent.data.tags["mlflow.source.git.commit"]) == 40
    (used,) = parent.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("realdata", "version-1")
    assert DATA in used.dataset.source
    metrics = parent.data.metrics
    assert metrics["macro_f1"] == metrics["oof/vote/macro_f1"] == 0.71
    assert (metrics["macro_f1_low"], metrics["macro_f1_high"]) == (0.66, 0.75)
    assert list(metrics)[:3] == ["macro_f1", "macro_f1_low", "macro_f1_high"]  # as MLflow's page lists them
    assert metrics["oof/age-net/age_accuracy"] == 0.7
    assert metrics["folds/joint/macro_f1"] == pytest.approx(0.75)
    assert metrics["seconds/crop"] == 3.0
    assert metrics["crop/images_per_second"] == 31.0
    assert {name for name in metrics if "fallback" in name} == {
        "crop/fallback_share/train", "crop/fallback_share/eval", "crop/fallback_share/train mask wear"
    }  # fmt: skip
    assert artifacts(client, tracker.run_id) == {
        "recipe.yaml", "timing.csv", "submission.csv", "oof.parquet", "report.html", "figures/confusion.png",
        "tables/scores.csv", "data/class_counts.csv", "data/quarantine.parquet", "data/folds.parquet",
        "data/warnings.txt", "figures/faces/sample.png",
    }  # fmt: skip
    counts = Path(client.download_artifacts(tracker.run_id, "data/class_counts.csv")).read_text().splitlines()
    assert counts[1:3] == ["0,wear / male / <30,0", "1,wear / male / 30-59,1"]
    timing = Path(client.download_artifacts(tracker.run_id, "timing.csv")).read_text()
    assert timing.splitlines() == [
        "job,seconds,images_per_second,reused",
        "prepare,1.5,,False",
        "crop,3.0,31.0,False",
        "train_fold joint 1/2,12.5,100.0,False",
        "train_fold joint 2/2,12.5,100.0,False",
        "ensemble,2.0,,False",
    ]
    (child,) = runs_of(uri, workspace)["joint 1/2"]
    assert child.info.status == "FINISHED"
    assert child.data.tags["mlflow.parentRunId"] == tracker.run_id
    assert child.data.params["optimizer.name"] == "adamw"
    assert child.data.params["fold"] == "1"
    assert child.data.metrics["macro_f1"] == 0.7
    assert child.data.metrics["best_epoch"] == 3
    assert steps(client, child.info.run_id) == [1, 2, 3]
    assert [point.value for point in client.get_metric_history(child.info.run_id, "train_loss")] == [2.0, 1.9, 1.8]
    assert artifacts(client, child.info.run_id) == {"weights/weights.safetensors"}


def test_curves_are_live_and_completed_from_the_outcome(uri: str, workspace: Workspace) -> None:
    tracker, spec = begin(workspace), fold_spec()
    tracker.add([spec])
    tracking = tracker.follow(spec).tracking
    assert tracking is not None
    train(tracking, 1)
    train(tracking, 2)  # the job was killed and goes on from a checkpoint before its first epoch
    client = MlflowClient(tracking_uri=uri)
    assert steps(client, tracking.run_id) == [1, 2]
    fold_outcome(workspace, spec, 4)
    tracker.done(spec)
    tracker.finish()
    assert steps(client, tracking.run_id) == [1, 2, 3, 4]


def test_what_a_recipe_does_not_say_of_a_job_is_in_its_params(embedded: str, workspace: Workspace) -> None:
    tracker, spec = begin(workspace), fold_spec(epochs=7)
    tracker.add([spec])
    run = MlflowClient(tracking_uri=embedded).get_run(tracker._mirror.id_of(tracker.id, spec.address))  # type: ignore[union-attr]
    assert run.data.params["epochs"] == "7"
    tracker.finish()


def test_a_reused_job_shows_its_curves_and_its_weights_only_where_no_earlier_run_has_them(
    uri: str, workspace: Workspace
) -> None:
    begin(workspace).finish("KILLED")  # an earlier run that recorded nothing of its job
    spec = fold_spec(epochs=9)  # of no other test on this server
    fold_outcome(workspace, spec, 5)
    for _ in range(2):
        tracker = begin(workspace)
        tracker.done(spec, reused=True)
        tracker.finish()
    client = MlflowClient(tracking_uri=uri)
    children = sorted(runs_of(uri, workspace)["joint 1/2"], key=lambda run: run.info.start_time)
    for child in children:
        assert child.data.tags["reused"] == "true"
        assert steps(client, child.info.run_id) == [1, 2, 3, 4, 5]
    assert [artifacts(client, child.info.run_id) for child in children] == [{"weights/weights.safetensors"}, set()]


def test_failures_are_failures(embedded: str, workspace: Workspace) -> None:
    tracker = begin(workspace)
    failed, left = fold_spec(), fold_spec(1)
    tracker.add([failed, left])
    tracker.failed(failed, RuntimeError("CUDA out of memory at http://me:secret@host/x"))
    tracker.finish("FAILED", "a job failed")
    runs = runs_of(embedded, workspace)
    assert {run.info.status for found in runs.values() for run in found} == {"FAILED"}
    assert runs["joint 1/2"][0].data.tags["failure"] == "CUDA out of memory at http://host/x"
    assert runs["smoke realdata"][0].data.tags["failure"] == "a job failed"


def test_a_cancelled_flow_is_killed(embedded: str, workspace: Workspace) -> None:
    tracker = begin(workspace)
    tracker.add([fold_spec()])
    tracker.finish("KILLED")
    found = [run.info.status for runs in runs_of(embedded, workspace).values() for run in runs]
    assert found == ["KILLED", "KILLED"]


def test_another_experiment_and_a_leaked_run_id(
    embedded: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    first = begin(workspace)
    monkeypatch.setenv("MLFLOW_RUN_ID", first.run_id)
    second, spec = begin(workspace), fold_spec()
    second.add([spec])
    tracking = second.follow(spec).tracking
    assert tracking is not None
    train(tracking)
    client = MlflowClient(tracking_uri=embedded)
    assert len({first.run_id, second.run_id, tracking.run_id}) == 3
    assert client.get_experiment(client.get_run(second.run_id).info.experiment_id).name == "mine"
    assert steps(client, first.run_id) == []
    assert steps(client, tracking.run_id) == [1, 2, 3]
    first.finish()
    second.finish()


def test_a_deleted_experiment_comes_back_and_a_deleted_run_does_not(embedded: str, workspace: Workspace) -> None:
    first = begin(workspace)
    first.finish()
    client = MlflowClient(tracking_uri=embedded)
    client.delete_experiment(client.get_run(first.run_id).info.experiment_id)
    second = begin(workspace)
    client.delete_run(second.run_id)
    play(second, workspace)
    assert client.get_run(second.run_id).info.lifecycle_stage == "deleted"
    assert runs_of(embedded, workspace).keys() == {"smoke realdata"}


def test_a_name_that_a_person_chose_stays(embedded: str, workspace: Workspace) -> None:
    tracker = begin(workspace)
    MlflowClient(tracking_uri=embedded).update_run(tracker.run_id, name="my best")
    play(tracker, workspace)
    assert "my best" in runs_of(embedded, workspace)


def test_long_and_many_settings_are_taken(uri: str, workspace: Workspace) -> None:
    corrections = f"/{'x' * 20_000}"
    tags = {"note": "y" * 20_000, "odd:näme": "1"}
    tracker = RunTracker.start(workspace, recipe(f"dataset.corrections={corrections}"), DATA, tags)
    tracker.finish()
    run = MlflowClient(tracking_uri=uri).get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["dataset.corrections"].endswith("...")
    assert run.data.tags["note"].endswith("...")
    assert run.data.tags["odd_n_me"] == "1"


def test_no_tracking_records_nothing(maskfold_home: Path) -> None:
    train(None)
    assert list(maskfold_home.iterdir()) == []


def test_what_the_body_raises_goes_on(embedded: str, workspace: Workspace) -> None:
    tracker, spec = begin(workspace), fold_spec()
    tracker.add([spec])
    with pytest.raises(KeyError), job_recorder(tracker.follow(spec).tracking, LOG):
        raise KeyError
    tracker.finish()


def test_passwords_of_the_address_stay_in_the_environment(
    workspace: Workspace, mlflow_server: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = mlflow_server.port  # type: ignore[attr-defined]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:Pa55@127.0.0.1:{port}")
    tracker, spec = begin(workspace), fold_spec()
    tracker.add([spec])
    tracking = tracker.follow(spec).tracking
    assert tracking is not None
    assert tracking.uri == f"http://127.0.0.1:{port}"
    train(tracking)
    assert steps(MlflowClient(tracking_uri=tracking.uri), tracking.run_id) == [1, 2, 3]
    tracker.finish()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:Pa55@127.0.0.1:1")
    begin(workspace).finish()
    everything = [path.read_text() for path in Path(workspace.uri).rglob("*.json")]
    assert "does not take records" in caplog.text
    assert "Pa55" not in "".join([*everything, caplog.text, tracker.page(), str(tracking)])
    with pytest.raises(Exception, match=r"ftp://host/x: expected") as error:
        refuse_unusable_uri("ftp://me:Pa55@host/x")
    assert "Pa55" not in str(error.value)


@pytest.mark.slow
def test_processes_create_the_database_at_the_same_time_and_one_that_is_killed_leaves_none(maskfold_home: Path) -> None:
    code = "from maskfold.tracking import *; connect(tracking_uri())"
    killed = subprocess.Popen([sys.executable, "-c", code])
    while not list(maskfold_home.glob(".mlflow.db.new*")):
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    assert not (maskfold_home / "mlflow.db").exists()
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(3)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert errors == [""] * 3, "migrations are not for people to read"
    assert (maskfold_home / "mlflow.db").stat().st_size > 0
    assert not list(maskfold_home.glob(".mlflow.db.new*"))


def test_importing_tracking_is_cheap() -> None:
    code = "import sys, maskfold.tracking; sys.exit('mlflow' in sys.modules or 'boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
