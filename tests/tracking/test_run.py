from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from maskfold.specs import Tracking
from maskfold.storage import Workspace
from maskfold.tracking import RunTracker, close_stale_runs, job_recorder
from tests.servers.mlflow import MlflowServer
from tests.servers.ports import free_ports
from tests.tracking.conftest import (
    crop_outcome,
    ensemble_outcome,
    epochs,
    fold_outcome,
    fold_spec,
    prepare_outcome,
)

LOG = logging.getLogger("maskfold.train_fold")


def begin() -> RunTracker:
    return RunTracker.start("fast", "folds:\n  k: 2\n", {"data": "/data"}, {"prefect.flow_run_url": "http://ui/1"})


def steps(client: MlflowClient, run: str, key: str = "valid_macro_f1") -> list[int]:
    return sorted(point.step for point in client.get_metric_history(run, key))


def artifacts(client: MlflowClient, run: str, folder: str | None = None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run, folder):
        found |= artifacts(client, run, entry.path) if entry.is_dir else {entry.path}
    return found


def train(tracking: Tracking, count: int = 3) -> int:
    with job_recorder(tracking, LOG) as recorder:
        for record in epochs(count):
            recorder.epoch(record)
    return recorder.unsent


def test_a_whole_flow_is_recorded(uri: str, workspace: Workspace) -> None:
    tracker = begin()
    tracker.log_prepared(prepare_outcome(workspace), (45, 60), workspace)
    tracker.log_cropped(crop_outcome(workspace), workspace)
    child = tracker.child(fold_spec())
    assert train(child) == 0
    tracker.finish_child(child, fold_outcome(workspace), workspace)
    tracker.log_ensemble(ensemble_outcome(workspace), workspace)
    tracker.finish()

    client = MlflowClient(tracking_uri=uri)
    parent = client.get_run(tracker.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "fast"
    assert client.get_experiment(parent.info.experiment_id).name == "maskfold"
    assert parent.data.params == {"data": "/data"}
    assert parent.data.tags["prefect.flow_run_url"] == "http://ui/1"
    assert parent.data.tags["dataset_version"] == "version-1"
    assert len(parent.data.tags["mlflow.source.git.commit"]) == 40
    assert parent.data.metrics["oof/vote/macro_f1"] == 0.71
    assert parent.data.metrics["oof/age-net/age_accuracy"] == 0.7
    assert parent.data.metrics["seconds/crop"] == 3.0
    assert parent.data.metrics["crop/images_per_second"] == 31.0
    assert tracker.page.endswith(f"/#/experiments/{parent.info.experiment_id}/runs/{tracker.run_id}")
    assert tracker.page.startswith(uri if uri.startswith("http") else "http://127.0.0.1:5000/")
    assert artifacts(client, tracker.run_id) == {
        "recipe.yaml", "timing.csv", "submission.csv", "oof.parquet", "report.html", "figures/confusion.png",
        "tables/scores.csv", "data/class_counts.csv", "data/quarantine.parquet", "data/folds.parquet",
        "data/warnings.txt", "figures/faces/sample.png",
    }  # fmt: skip
    counts = Path(client.download_artifacts(tracker.run_id, "data/class_counts.csv")).read_text().splitlines()
    assert counts[1:3] == ["0,wear / male / <45,0", "1,wear / male / 45-59,1"]
    timing = Path(client.download_artifacts(tracker.run_id, "timing.csv")).read_text()
    assert timing.splitlines() == [
        "job,seconds,images_per_second,reused",
        "prepare,1.5,,False",
        "crop,3.0,31.0,False",
        "train_fold face-b0 1,12.5,100.0,False",
        "ensemble,2.0,,False",
    ]

    run = client.get_run(child.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "face-b0 1/2"
    assert run.data.tags["mlflow.parentRunId"] == tracker.run_id
    assert run.data.params["optimizer.name"] == "adamw"
    assert run.data.metrics["macro_f1"] == 0.7
    assert steps(client, child.run_id) == [0, 1, 2]
    assert [point.value for point in client.get_metric_history(child.run_id, "train_loss")] == [2.0, 1.9, 1.8]
    assert artifacts(client, child.run_id) == {"weights/weights.safetensors"}


def test_a_server_that_is_away_still_has_a_front_page(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    tracker = begin()
    assert tracker.page == f"http://127.0.0.1:{port}"
    tracker.finish()


def test_a_reused_job_shows_its_curves_and_its_weights_only_where_no_earlier_run_has_them(
    uri: str, workspace: Workspace
) -> None:
    begin().child(fold_spec("reused-later"))  # killed before it could send what its job had made
    children = []
    for _ in range(2):
        tracker = begin()
        children.append(tracker.child(fold_spec("reused-later")).run_id)
        tracker.finish_child(Tracking(uri=uri, run_id=children[-1]), fold_outcome(workspace, 5), workspace, reused=True)
        tracker.finish()
    client = MlflowClient(tracking_uri=uri)
    for child in children:
        assert client.get_run(child).data.tags["reused"] == "true"
        assert steps(client, child) == [0, 1, 2, 3, 4]
    assert [artifacts(client, child) for child in children] == [{"weights/weights.safetensors"}, set()]


def test_epochs_that_the_job_could_not_send_are_filled_in(embedded: str, workspace: Workspace) -> None:
    tracker = begin()
    child = tracker.child(fold_spec())
    train(child, 2)
    tracker.finish_child(child, fold_outcome(workspace, 4, unsent=2), workspace)
    tracker.finish()
    assert steps(MlflowClient(tracking_uri=embedded), child.run_id) == [0, 1, 2, 3]


def test_failures_are_failures(embedded: str) -> None:
    tracker = begin()
    failed, left = tracker.child(fold_spec()), tracker.child(fold_spec(fold=1))
    tracker.fail_child(failed, "CUDA out of memory")
    tracker.finish("FAILED")
    client = MlflowClient(tracking_uri=embedded)
    assert client.get_run(failed.run_id).info.status == "FAILED"
    assert client.get_run(failed.run_id).data.tags["failure"] == "CUDA out of memory"
    assert client.get_run(left.run_id).info.status == "FAILED"
    assert client.get_run(tracker.run_id).info.status == "FAILED"


def test_a_cancelled_flow_is_killed(embedded: str) -> None:
    tracker = begin()
    child = tracker.child(fold_spec())
    tracker.finish("KILLED")
    client = MlflowClient(tracking_uri=embedded)
    assert {client.get_run(run).info.status for run in (child.run_id, tracker.run_id)} == {"KILLED"}


def test_another_experiment_and_a_leaked_run_id(embedded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    first = begin()
    monkeypatch.setenv("MLFLOW_RUN_ID", first.run_id)
    second = begin()
    child = second.child(fold_spec())
    assert train(child) == 0
    client = MlflowClient(tracking_uri=embedded)
    assert len({first.run_id, second.run_id, child.run_id}) == 3
    assert client.get_experiment(client.get_run(second.run_id).info.experiment_id).name == "mine"
    assert steps(client, first.run_id) == []
    assert steps(client, child.run_id) == [0, 1, 2]
    first.finish()
    second.finish()


def test_a_deleted_experiment_comes_back(embedded: str) -> None:
    first = begin()
    first.finish()
    client = MlflowClient(tracking_uri=embedded)
    client.delete_experiment(client.get_run(first.run_id).info.experiment_id)
    second = begin()
    second.finish()
    assert client.get_run(second.run_id).info.status == "FINISHED"


def test_long_and_many_settings_are_taken(uri: str) -> None:
    params = {"text": "x" * 20_000, "many": {f"k{number}": number for number in range(300)}, "odd:näme": 1}
    tracker = RunTracker.start("long", "", params, {"note": "y" * 20_000})
    tracker.finish()
    run = MlflowClient(tracking_uri=uri).get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert len(run.data.params) == 302
    assert run.data.params["text"].endswith("...")
    assert run.data.params["many.k299"] == "299"
    assert run.data.params["odd_n_me"] == "1"


def test_nothing_raises_when_nobody_listens(
    workspace: Workspace, maskfold_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setattr("maskfold.tracking.sender.PAUSE_S", 60.0)
    tracker = begin()
    assert tracker.run_id.startswith("pending-")
    child = tracker.child(fold_spec())
    assert train(child) == 3
    tracker.finish_child(child, fold_outcome(workspace), workspace)
    tracker.finish()
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([record for record in warnings if "does not take records" in record.message]) == 1
    assert len(list((maskfold_home / "unsent").iterdir())) == 1


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_gets_everything(
    mlflow_server: MlflowServer, workspace: Workspace, maskfold_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    interrupted = begin()
    child = interrupted.child(fold_spec())
    failing = interrupted.child(fold_spec(fold=1))
    with job_recorder(child, LOG) as recorder:
        recorder.epoch(epochs(1)[0])
        while recorder.unsent:
            pass
        mlflow_server.kill()
        for record in epochs(3)[1:]:
            recorder.epoch(record)
    assert recorder.unsent == 2
    assert train(failing, 2) == 2
    late = begin()  # begins and ends while nobody answers
    late_child = late.child(fold_spec())
    late.finish_child(late_child, fold_outcome(workspace), workspace)
    late.finish("FAILED")
    interrupted.finish_child(child, fold_outcome(workspace, unsent=2), workspace)

    mlflow_server.start()
    interrupted.fail_child(failing, "killed")
    interrupted.finish()
    after = begin()
    after.finish()

    client = MlflowClient(tracking_uri=mlflow_server.uri)
    assert client.get_run(interrupted.run_id).info.status == "FINISHED"
    assert client.get_run(child.run_id).info.status == "FINISHED"
    assert steps(client, child.run_id) == [0, 1, 2]
    assert artifacts(client, child.run_id) == {"weights/weights.safetensors"}
    assert client.get_run(failing.run_id).info.status == "FAILED"
    assert steps(client, failing.run_id) == [0, 1]
    experiment = client.get_run(interrupted.run_id).info.experiment_id
    (replayed,) = client.search_runs([experiment], f"tags.mlflow.parentRunId != '{interrupted.run_id}'", max_results=1)
    parent = client.get_run(replayed.data.tags["mlflow.parentRunId"])
    assert parent.info.status == "FAILED"
    assert steps(client, replayed.info.run_id) == [0, 1, 2]
    assert list((maskfold_home / "unsent").iterdir()) == []


_FLOW = """
import os, sys, time
from maskfold.tracking import RunTracker
from tests.tracking.conftest import fold_spec
tracker = RunTracker.start("doomed", "", {}, {})
print(tracker.run_id, tracker.child(fold_spec()).run_id, flush=True)
time.sleep(60)
"""


def test_runs_of_a_killed_flow_end_as_failed(embedded: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", _FLOW], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        doomed = process.stdout.readline().split()
    client = MlflowClient(tracking_uri=embedded)
    assert close_stale_runs() == [], "the flow lives"
    living = begin()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sorted(close_stale_runs()) == sorted(doomed)
    assert {client.get_run(run).info.status for run in doomed} == {"FAILED"}
    assert client.get_run(living.run_id).info.status == "RUNNING"
    living.finish()


@pytest.mark.parametrize(
    ("tag", "value", "stale"),
    [
        ("maskfold.host", "another-machine", False),
        ("maskfold.process", "", False),
        ("maskfold.process", "another-boot/1/1/1", True),
        ("maskfold.process", "{boot}/another-namespace/999999/1", False),
        ("maskfold.process", "{boot}/{namespace}/{pid}/1", True),
    ],
)
def test_only_runs_of_certainly_dead_processes_are_closed(embedded: str, tag: str, value: str, stale: bool) -> None:
    tracker = begin()
    client = MlflowClient(tracking_uri=embedded)
    boot, namespace, pid, _ = client.get_run(tracker.run_id).data.tags["maskfold.process"].split("/")
    client.set_tag(tracker.run_id, tag, value.format(boot=boot, namespace=namespace, pid=pid))
    assert close_stale_runs() == ([tracker.run_id] if stale else [])
    tracker.finish()


def test_a_half_written_journal_is_read_as_far_as_it_goes(
    embedded: str, maskfold_home: Path, workspace: Workspace
) -> None:
    tracker = begin()
    run = tracker.run_id
    tracker.finish()
    folder = maskfold_home / "unsent"
    folder.mkdir(exist_ok=True)
    batch = {"kind": "batch", "run": run, "arguments": {"metrics": [["late", 1.0, 1, 0]], "params": [], "tags": []}}
    (folder / "x.jsonl").write_text(json.dumps({"uri": embedded}) + "\n" + json.dumps(batch) + '\n{"kind": "ba')
    begin().finish()
    assert MlflowClient(tracking_uri=embedded).get_run(run).data.metrics["late"] == 1.0
    assert list(folder.iterdir()) == []


def test_a_journal_for_another_server_waits(embedded: str, maskfold_home: Path) -> None:
    folder = maskfold_home / "unsent"
    folder.mkdir()
    (folder / "x.jsonl").write_text(json.dumps({"uri": "http://elsewhere"}) + "\n")
    begin().finish()
    assert [path.name for path in folder.iterdir()] == ["x.jsonl"]


def test_a_run_deleted_on_the_server_does_not_block_the_rest(
    embedded: str, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = begin()
    child = Tracking(uri=embedded, run_id="0" * 32)
    tracker.finish_child(child, fold_outcome(workspace), workspace)
    tracker.finish()
    assert "refused" in caplog.text
    assert MlflowClient(tracking_uri=embedded).get_run(tracker.run_id).info.status == "FINISHED"


def test_no_tracking_records_nothing(maskfold_home: Path) -> None:
    with job_recorder(None, LOG) as recorder:
        recorder.epoch(epochs(1)[0])
    assert recorder.unsent == 0
    assert list(maskfold_home.iterdir()) == []


def test_what_the_body_raises_goes_on(embedded: str) -> None:
    tracker = begin()
    with pytest.raises(KeyError), job_recorder(tracker.child(fold_spec()), LOG):
        raise KeyError
    tracker.finish()


@pytest.mark.slow
def test_processes_create_the_database_at_the_same_time(maskfold_home: Path) -> None:
    code = "from maskfold.tracking import prepare_store; prepare_store()"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(3)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert errors == [""] * 3, "migrations are not for people to read"
    assert (maskfold_home / "mlflow.db").stat().st_size > 0


def test_importing_tracking_is_cheap() -> None:
    code = "import sys, maskfold.tracking; sys.exit('mlflow' in sys.modules or 'boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
