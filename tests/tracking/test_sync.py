"""What MLflow missed is brought up from the workspace, whatever happened to either."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from maskfold.storage import Workspace, open_workspace
from maskfold.tracking import job_recorder, sync, sync_running
from tests.servers.mlflow import MlflowServer
from tests.servers.proxy import Proxy, Slow
from tests.servers.s3 import S3Server
from tests.tracking.conftest import (
    artifacts,
    begin,
    epochs,
    finish_job,
    fold_outcome,
    fold_spec,
    play,
    runs_of,
    steps,
    whole_database,
)

LOG = logging.getLogger("maskfold.train_fold")
NAMES = {"smoke realdata 0.710": 1, "joint 1/2": 1, "joint 2/2": 1}


def names(uri: str, workspace: Workspace) -> dict[str, int]:
    """How many runs of each name MLflow shows, and that all are finished."""
    found = runs_of(uri, workspace)
    assert {run.info.status for runs in found.values() for run in runs} <= {"FINISHED"}
    return {name: len(runs) for name, runs in found.items()}


def is_whole(uri: str, workspace: Workspace) -> bool:
    client = MlflowClient(tracking_uri=uri)
    found = runs_of(uri, workspace)
    (parent,), (child,) = found["smoke realdata 0.710"], found["joint 2/2"]
    return (
        parent.data.metrics["macro_f1"] == 0.71
        and steps(client, child.info.run_id) == [1, 2, 3]
        and len(artifacts(client, parent.info.run_id)) == 12
        and artifacts(client, child.info.run_id) == {"weights/weights.safetensors"}
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_second_sync_changes_nothing(embedded: str, workspace: Workspace, maskfold_home: Path) -> None:
    play(begin(workspace), workspace)
    play(begin(workspace), workspace)
    before = whole_database(maskfold_home)
    assert sync(workspace).complete == 2
    assert whole_database(maskfold_home) == before


def test_a_server_that_is_away_costs_one_warning_and_gets_everything_later(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.stop()
    tracker = begin(workspace)
    assert (tracker.run_id, tracker.page()) == ("", proxy.uri)
    assert tracker.follow(fold_spec()).tracking is None
    play(tracker, workspace)
    assert len(warnings(caplog)) == 1
    assert "does not take records" in warnings(caplog)[0]
    assert "maskfold sync" in warnings(caplog)[0]
    proxy.start()
    assert sync(workspace).complete == 1
    assert names(mlflow_server.uri, workspace) == NAMES
    assert is_whole(mlflow_server.uri, workspace)
    before = whole_database(mlflow_server.folder)
    sync(workspace)
    assert whole_database(mlflow_server.folder) == before


def test_a_server_that_goes_away_is_asked_again_only_at_the_end(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = begin(workspace)
    live = fold_spec()
    tracker.add([live])
    with job_recorder(tracker.follow(live).tracking, LOG) as recorder:
        recorder.epoch(epochs(1)[0])
        while not any(path.endswith("runs/log-batch") for _, path in proxy.requests[-1:]):
            time.sleep(0.01)
        proxy.fault = lambda method, path: 503
        for record in epochs(3)[1:]:
            recorder.epoch(record)
    asked = len(proxy.requests)
    play(tracker, workspace, end=False)
    assert len(proxy.requests) == asked + 1
    assert len(warnings(caplog)) == 1
    proxy.fault = lambda method, path: None
    tracker.finish()
    assert names(mlflow_server.uri, workspace) == NAMES
    assert is_whole(mlflow_server.uri, workspace)


def test_a_server_that_never_answers_costs_one_timeout(
    proxy: Proxy, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    proxy.fault = lambda method, path: 5.0
    tracker = begin(workspace)
    play(tracker, workspace, end=False)
    assert len(proxy.requests) == 1
    tracker.finish()
    assert len(proxy.requests) == 2


def test_the_next_run_of_a_workspace_brings_up_the_last(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace
) -> None:
    proxy.stop()
    play(begin(workspace), workspace)
    proxy.start()
    begin(workspace).finish()
    assert names(mlflow_server.uri, workspace) == {**NAMES, "smoke realdata": 1}
    known = [address for address in workspace.list("runs") if "/synced-" in address]
    assert len(known) == 2
    proxy.requests.clear()
    begin(workspace).finish()
    records = {path for _, path in proxy.requests if "runs/search" in path}
    assert len(records) == 1, "runs that are known to be recorded are not looked for"


@pytest.mark.parametrize("fault", [413, 403, 5.0], ids=["too large", "forbidden", "slow"])
def test_one_file_that_cannot_be_uploaded_keeps_nothing_else_back(
    proxy: Proxy,
    mlflow_server: MlflowServer,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: int | float,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    proxy.fault = lambda method, path: fault if method == "PUT" and path.endswith("report.html") else None
    tracker = begin(workspace)
    play(tracker, workspace)
    (text,) = warnings(caplog)
    assert text.startswith("MLflow does not take report.html of ")
    assert names(mlflow_server.uri, workspace) == NAMES
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    assert len(artifacts(client, tracker.run_id)) == 11
    assert sync(workspace).incomplete == 1
    proxy.fault = lambda method, path: None
    assert sync(workspace).complete == 1
    assert is_whole(mlflow_server.uri, workspace)


def test_a_large_file_may_take_longer_than_other_requests(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    proxy.fault = lambda method, path: Slow(3.0) if method == "PUT" and path.endswith(".safetensors") else None
    tracker, spec = begin(workspace), fold_spec(epochs=11)
    outcome = fold_outcome(workspace, spec, 11)
    large = workspace.write(outcome.weights.path, bytes(4 << 20))
    finish_job(workspace, spec, outcome.model_copy(update={"weights": large}))
    tracker.done(spec)
    tracker.finish()
    (child,) = runs_of(mlflow_server.uri, workspace)["joint 1/2"]
    assert artifacts(MlflowClient(tracking_uri=mlflow_server.uri), child.info.run_id) == {"weights/weights.safetensors"}
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "2"


def test_a_storage_of_artifacts_without_credentials_keeps_back_nothing_but_them(
    mlflow_server: MlflowServer,
    s3_server: S3Server,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    s3_server.make_bucket("artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "on S3")
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    experiment = client.create_experiment("on S3", "s3://artifacts/mlflow")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    play(begin(workspace), workspace)
    assert sync(workspace).incomplete == 1
    refused = [text for text in warnings(caplog) if text.startswith("MLflow does not take")]
    assert refused
    runs = client.search_runs([experiment])
    assert sorted(run.info.status for run in runs) == ["FINISHED"] * 3
    (parent,) = (run for run in runs if run.info.run_name == "smoke realdata 0.710")
    assert parent.data.metrics["macro_f1"] == 0.71
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    assert sync(workspace).complete == 1
    assert len(artifacts(client, parent.info.run_id)) == 12


def test_a_storage_that_takes_long_to_fail_is_tried_for_a_minute_and_not_for_each_file(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskfold.tracking.logged.PATIENCE_S", 1.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    proxy.fault = lambda method, path: 3.0 if method == "PUT" else None
    play(begin(workspace), workspace)
    assert sum(method == "PUT" for method, _ in proxy.requests) == 2
    assert names(mlflow_server.uri, workspace) == NAMES
    proxy.fault = lambda method, path: None
    assert sync(workspace).complete == 1
    assert is_whole(mlflow_server.uri, workspace)


def test_a_gateway_that_forbids_everything_drops_nothing(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fault = lambda method, path: 403
    play(begin(workspace), workspace)
    assert len(warnings(caplog)) == 1
    assert "403" in sync(workspace).away
    proxy.fault = lambda method, path: None
    assert sync(workspace).complete == 1
    assert is_whole(mlflow_server.uri, workspace)


@pytest.mark.parametrize("most", range(1, 60, 7))
def test_a_sync_that_is_interrupted_anywhere_is_completed_by_the_next(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, most: int
) -> None:
    proxy.stop()
    play(begin(workspace), workspace)
    proxy.start()
    proxy.requests.clear()
    proxy.fault = lambda method, path: 503 if len(proxy.requests) > most else None
    assert sync(workspace).complete == 0
    proxy.fault = lambda method, path: None
    assert sync(workspace).complete == 1
    assert names(mlflow_server.uri, workspace) == NAMES
    assert is_whole(mlflow_server.uri, workspace)


@pytest.mark.parametrize("batch", range(1, 6))
def test_long_curves_that_are_interrupted_are_completed(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, batch: int
) -> None:
    proxy.stop()
    tracker, spec = begin(workspace), fold_spec(epochs=250)
    fold_outcome(workspace, spec, 250)
    tracker.done(spec)
    tracker.finish()
    proxy.start()
    logged: list[str] = []

    def fault(method: str, path: str) -> int | None:
        logged.extend([path] if path.endswith("log-batch") else [])
        return 503 if len(logged) > batch else None

    proxy.fault = fault
    sync(workspace)
    proxy.fault = lambda method, path: None
    assert sync(workspace).complete == 1
    (child,) = runs_of(mlflow_server.uri, workspace)["joint 1/2"]
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    for curve in ("train_loss", "valid_loss", "valid_macro_f1", "valid_accuracy", "lr", "images_per_second"):
        assert steps(client, child.info.run_id, curve) == list(range(1, 251))


def test_another_mlflow_and_a_machine_with_nothing_but_the_workspace(
    mlflow_server: MlflowServer,
    embedded: str,
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(begin(workspace), workspace)
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "another"))
    sync(workspace, mlflow_server.uri)
    assert names(mlflow_server.uri, workspace) == names(embedded, workspace) == NAMES
    assert is_whole(mlflow_server.uri, workspace)


@pytest.mark.slow
def test_artifacts_of_a_database_are_beside_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = begin(workspace)
    play(tracker, workspace)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    other = f"sqlite:///{tmp_path / 'databases' / 'other.db'}"
    sync(workspace, other)
    assert is_whole(other, workspace)
    assert any((tmp_path / "databases" / "mlartifacts").rglob("weights.safetensors"))
    assert list(elsewhere.iterdir()) == []
    folders = {one.artifact_location for one in MlflowClient(other).search_experiments()}
    assert {folder.rpartition("/")[0] for folder in folders} <= {
        (tmp_path / "databases").as_uri(), (tmp_path / "databases" / "mlartifacts").as_uri()
    }  # fmt: skip


@pytest.mark.slow
def test_runs_in_runs_in_runs(uri: str, workspace: Workspace, tmp_path: Path) -> None:
    study = begin(workspace)
    variants = [begin(workspace, study.id) for _ in range(2)]
    for variant in variants:
        play(variant, workspace)
    study.finish()
    assert depths(uri, workspace) == {"smoke realdata": 0, "smoke realdata 0.710": 1, "joint 1/2": 2, "joint 2/2": 2}
    other = f"sqlite:///{tmp_path / 'other.db'}"
    sync(workspace, other)
    assert depths(other, workspace) == depths(uri, workspace)


def depths(uri: str, workspace: Workspace) -> dict[str, int]:
    """How many runs are above those of each name."""
    found = runs_of(uri, workspace)
    parents = {run.info.run_id: run.data.tags.get("mlflow.parentRunId") for runs in found.values() for run in runs}

    def depth(run: str) -> int:
        parent = parents[run]
        return 0 if parent is None else 1 + depth(parent)

    return {name: depth(run.info.run_id) for name, runs in found.items() for run in runs}


_FLOW = """
import sys, time
from maskfold.storage import open_workspace
from tests.tracking.conftest import begin, fold_outcome, fold_spec
workspace = open_workspace(sys.argv[1])
tracker, done = begin(workspace), fold_spec()
fold_outcome(workspace, done)
tracker.add([done, fold_spec(1)])
tracker.done(done)
tracker._save()  # as each minute
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def doomed(workspace: Workspace) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _FLOW, workspace.uri], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def statuses(uri: str, workspace: Workspace) -> dict[str, str]:
    return {name: run.info.status for name, runs in runs_of(uri, workspace).items() for run in runs}


@pytest.mark.slow
def test_the_runs_of_a_killed_flow_are_closed_and_those_of_a_living_one_are_not(
    embedded: str, workspace: Workspace, doomed: subprocess.Popen[str]
) -> None:
    assert sync(workspace).running == 1
    sync_running(embedded)
    assert statuses(embedded, workspace)["smoke realdata"] == "RUNNING"
    kill(doomed)
    sync_running(embedded)  # as `maskfold ui` does
    assert statuses(embedded, workspace) == {
        "smoke realdata": "KILLED", "joint 1/2": "FINISHED", "joint 2/2": "KILLED"
    }  # fmt: skip
    parent = runs_of(embedded, workspace)["smoke realdata"][0]
    assert "its process is gone" in parent.data.tags["failure"]


@pytest.mark.slow
def test_a_flow_of_another_host_is_taken_for_dead_when_its_heart_has_stopped(
    embedded: str,
    workspace: Workspace,
    doomed: subprocess.Popen[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "another"
    other.mkdir()
    kill(doomed)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", embedded)
    monkeypatch.setenv("MASKFOLD_HOME", str(other))  # where the flow's lock cannot be seen
    assert sync(workspace).running == 1
    monkeypatch.setattr("maskfold.tracking.record.DEAD_AFTER_S", 0.0)
    assert sync(workspace).complete == 1
    assert statuses(embedded, workspace)["smoke realdata"] == "KILLED"


def test_a_living_flow_renews_its_record(embedded: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskfold.tracking.record.BEAT_S", 0.02)
    tracker = begin(workspace)
    address = f"runs/{tracker.id}/run.json"
    first = workspace.read(address)
    while workspace.read(address) == first:
        time.sleep(0.01)
    tracker.finish()


def test_a_flow_that_was_taken_for_dead_tells_its_true_end(
    embedded: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tracker = begin(workspace)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MLFLOW_TRACKING_URI", embedded)
        elsewhere.setenv("MASKFOLD_HOME", str(tmp_path))
        elsewhere.setattr("maskfold.tracking.record.DEAD_AFTER_S", -1.0)
        assert sync(workspace).complete == 1
        assert statuses(embedded, workspace) == {"smoke realdata": "KILLED"}
    play(tracker, workspace)
    assert names(embedded, workspace) == NAMES


_SYNC = "import sys; from maskfold.storage import open_workspace; from maskfold.tracking import sync;"
_SYNC += "print(sync(open_workspace(sys.argv[1])).complete)"


@pytest.mark.slow
@pytest.mark.parametrize("homes", [1, 3], ids=["one machine", "three machines"])
def test_syncs_at_the_same_time_leave_one_run_each(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, tmp_path: Path, homes: int
) -> None:
    proxy.stop()
    play(begin(workspace), workspace)
    proxy.start()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _SYNC, workspace.uri],
            env={**os.environ, "MASKFOLD_HOME": str(tmp_path / f"home{number % homes}")},
        )
        for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    sync(workspace)
    assert names(mlflow_server.uri, workspace) == NAMES
    assert is_whole(mlflow_server.uri, workspace)


def test_of_two_equal_runs_one_stays(embedded: str, workspace: Workspace) -> None:
    tracker = begin(workspace)
    play(tracker, workspace)
    client = MlflowClient(tracking_uri=embedded)
    for runs in runs_of(embedded, workspace).values():
        info, tags = runs[0].info, runs[0].data.tags
        client.create_run(info.experiment_id, info.start_time, tags, info.run_name)  # as another machine did
    assert sync(workspace).complete == 1
    assert names(embedded, workspace) == NAMES
    assert is_whole(embedded, workspace)


def test_damaged_records_and_outcomes_keep_no_other_back(
    embedded: str, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    folds = play(begin(workspace), workspace)
    play(begin(workspace), workspace)
    first = sorted(workspace.list("runs"))[0].split("/")[1]
    workspace.write(f"runs/{first}/run.json", b'{"id": "../../etc"}')
    workspace.write(f"{folds[0].address}/outcome.json", b"{}")
    report = sync(workspace)
    assert (report.complete, report.incomplete) == (1, 1)
    assert "is not the record of a run: " in caplog.text
    assert "no outcome of this version" in caplog.text


@pytest.mark.parametrize("recipe", ["[" * 50_000, "networks: {a: 1}"])
def test_a_forged_recipe_of_a_record_keeps_no_other_back(embedded: str, workspace: Workspace, recipe: str) -> None:
    play(begin(workspace), workspace)
    play(begin(workspace), workspace)
    address = sorted(one for one in workspace.list("runs") if one.endswith("run.json"))[0]
    record = json.loads(workspace.read(address) or b"")
    workspace.write(address, json.dumps({**record, "recipe": recipe}).encode())
    report = sync(workspace)
    assert (report.complete, report.incomplete, report.away) == (1, 1, "")


@pytest.mark.slow
def test_the_command_line_syncs_a_whole_workspace(
    mlflow_server: MlflowServer, embedded: str, workspace: Workspace
) -> None:
    for _ in range(2):
        play(begin(workspace), workspace)
    command = [sys.executable, "-m", "maskfold", "sync", "--workspace", workspace.uri]
    for _ in range(2):
        done = subprocess.run([*command, "--tracking-uri", mlflow_server.uri], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "2 runs recorded, 0 incomplete, 0 still running\n")
        assert json.loads(done.stdout) == {"recorded": 2, "incomplete": 0, "running": 0}
        database = whole_database(mlflow_server.folder)
    assert names(mlflow_server.uri, workspace) == dict.fromkeys(NAMES, 2)
    sync(workspace, mlflow_server.uri)
    assert whole_database(mlflow_server.folder) == database
    away = subprocess.run([*command, "--tracking-uri", "http://me:Pa55@127.0.0.1:1"], capture_output=True, text=True)
    assert away.returncode == 1
    assert "does not take records" in away.stderr
    assert "Pa55" not in away.stderr
    empty = [*command[:-1], f"{workspace.uri}-misspelt", "--tracking-uri", mlflow_server.uri]
    assert subprocess.run(empty, capture_output=True).returncode == 2
    wrong = subprocess.run([*command, "--tracking-uri", "ftp://x"], capture_output=True, text=True)
    assert wrong.returncode == 2


@pytest.mark.parametrize("kind", ["folder", "text", "half"])
def test_a_database_that_is_none_costs_one_warning_at_once(
    kind: str, embedded: str, workspace: Workspace, maskfold_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = maskfold_home / "mlflow.db"
    content = database.read_bytes()
    database.unlink()
    if kind == "folder":
        database.mkdir()
    else:
        database.write_bytes(b"words " * 100 if kind == "text" else content[:20_000])
    play(begin(workspace), workspace)
    (text,) = warnings(caplog)
    assert "does not take records" in text
    assert sync(workspace).away
    database.rename(maskfold_home / "damaged")
    assert sync(workspace).complete == 1
    assert is_whole(embedded, workspace)


def test_a_workspace_on_s3(embedded: str, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/tracked")
    play(begin(workspace), workspace)
    assert names(embedded, workspace) == NAMES
    assert is_whole(embedded, workspace)
