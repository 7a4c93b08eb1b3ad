"""The whole flow on drawn data, with Prefect's own server and the embedded MLflow store."""

import csv
import hashlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, TaskRun

from flows.plan import Plan, handed, plan_run
from flows.train import train
from maskfold import storage, tracking
from maskfold.errors import DatasetError, JobFailedError, RecipeError
from maskfold.launch.folder import find_outcome
from maskfold.launch.monitor import JobEvent, listening
from maskfold.specs import PrepareOutcome

TWO_NETWORKS = [
    "networks=[{name: a, backbone: test_resnet, pretrained: none, epochs: 1, batch_size: 16, amp: 'off'},"
    " {name: b, backbone: test_resnet, pretrained: none, epochs: 1, batch_size: 16, amp: 'off', seed: 1}]"
]


class Events:
    """What the jobs of a run did."""

    def __init__(self) -> None:
        self.all: list[JobEvent] = []

    def labels(self, state: str) -> set[str]:
        return {event.label for event in self.all if event.state == state}


def run(data: Path, workspace: Path, *overrides: str, recipe: str = "smoke") -> tuple[dict[str, Any], Events]:
    events = Events()
    with listening(events.all.append):
        summary = train(data=str(data), workspace=str(workspace), recipe=recipe, set=list(overrides))
    return summary, events


@pytest.fixture(scope="module")
def finished(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Events]:
    """A run on a machine with two places for jobs, and what it left."""
    workspace = tmp_path_factory.mktemp("flow") / "workspace"
    with pytest.MonkeyPatch.context() as machine:
        machine.setattr("maskfold.launch.slots.usable_cores", lambda: 2)
        machine.setenv("CUDA_VISIBLE_DEVICES", "")
        return workspace, *run(drawn_data, workspace, *TWO_NETWORKS)


def flow_run_of(summary: dict[str, Any]) -> FlowRun:
    run_id = MlflowClient(tracking.tracking_uri()).get_run(summary["mlflow_run_id"]).data.tags["prefect.flow_run_id"]
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run_id)


def task_runs_of(flow_run: FlowRun) -> list[TaskRun]:
    with get_client(sync_client=True) as client:
        return client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id])))


def test_the_submission_has_the_rows_of_info_csv(drawn_data: Path, finished: Any) -> None:
    workspace, summary, _ = finished
    with (drawn_data / "eval" / "info.csv").open(encoding="utf-8") as stream:
        wanted = [row["ImageID"] for row in csv.DictReader(stream)]
    content = Path(summary["submission"]).read_bytes()
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert [row["ImageID"] for row in rows] == wanted
    assert {int(row["ans"]) for row in rows} <= set(range(18))
    assert (workspace / "submissions" / "latest.csv").read_bytes() == content
    checksum = (workspace / "submissions" / "latest.csv.sha256").read_text(encoding="utf-8")
    assert checksum.split() == [hashlib.sha256(content).hexdigest(), "latest.csv"]
    assert Path(summary["report"]).is_file()
    assert 0 <= summary["oof_macro_f1"] <= 1


def test_mlflow_has_a_parent_and_a_child_for_each_network_and_fold(finished: Any) -> None:
    _, summary, _ = finished
    client = MlflowClient(tracking.tracking_uri())
    parent = client.get_run(summary["mlflow_run_id"])
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["oof/vote/macro_f1"] == pytest.approx(summary["oof_macro_f1"])
    assert {"submission.csv", "report.html", "oof.parquet", "recipe.yaml", "timing.csv"} <= {
        file.path for file in client.list_artifacts(parent.info.run_id)
    }
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert sorted(child.info.run_name for child in children) == ["a 1/2", "a 2/2", "b 1/2", "b 2/2"]
    for child in children:
        assert child.info.status == "FINISHED"
        assert len(client.get_metric_history(child.info.run_id, "valid_macro_f1")) == 1
        assert client.list_artifacts(child.info.run_id, "weights")


def test_prefect_shows_readable_jobs_logs_and_artifacts(finished: Any) -> None:
    _, summary, _ = finished
    flow_run = flow_run_of(summary)
    names = {task_run.name for task_run in task_runs_of(flow_run)}
    assert names == {
        *("networks", "prepare", "crop", "ensemble", "export"),
        *("train_fold a 1/2", "train_fold a 2/2", "train_fold b 1/2", "train_fold b 2/2"),
        *("predict_eval a", "predict_eval b"),
    }
    with get_client(sync_client=True) as client:
        for key in ("scores", "folds"):
            found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
            assert any(artifact.flow_run_id == flow_run.id for artifact in found)


def test_prefect_never_shows_more_jobs_as_running_than_there_are_places(finished: Any) -> None:
    """Called as a deployment calls it, the flow has four trainings that wait for two places."""
    _, summary, _ = finished
    trainings = [one for one in task_runs_of(flow_run_of(summary)) if one.name.startswith("train_fold")]
    spans = [(one.start_time, one.end_time) for one in trainings if one.start_time and one.end_time]
    assert len(spans) == 4
    assert max(sum(began <= moment < ended for began, ended in spans) for moment, _ in spans) <= 2


def test_prefect_shows_progress_links_and_the_jobs_own_log_lines(finished: Any) -> None:
    _, summary, _ = finished
    flow_run = flow_run_of(summary)
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id]))
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(flow_run_filter=of_run)
    progress = {one.description: one.data for one in artifacts if one.type == "progress"}
    assert progress["crop"] == 100
    assert {"train_fold a 1/2", "train_fold b 2/2"} <= set(progress)
    (page,) = (str(one.data) for one in artifacts if one.key == "scores")
    assert f"/runs/{summary['mlflow_run_id']}?workflowType=machine_learning)" in page
    assert re.search(rf"\| vote \| {summary['oof_macro_f1']:.3f} \(0\.\d{{3}}–0\.\d{{3}}\) \|", page)
    assert "file://" not in page
    for name, address in (("report.html", summary["report"]), ("submission.csv", summary["submission"])):
        link = rf"\[{name}\]\(\S+/runs/{summary['mlflow_run_id']}/artifacts/{name}\?workflowType=\w+\), `{address}`"
        assert re.search(link, page)
    logged = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run.id]))
    deadline = time.monotonic() + 120  # Prefect stores log lines in the background
    found: list[str] = []
    while not any("maskfold.crop: train: 84 images" in message for message in found):
        assert time.monotonic() < deadline, found
        with get_client(sync_client=True) as client:
            pages = [client.read_logs(logged, limit=200, offset=offset) for offset in (0, 200)]
        found = [log.message for page in pages for log in page]


def test_mlflow_links_to_the_prefect_run(finished: Any) -> None:
    _, summary, _ = finished
    tags = MlflowClient(tracking.tracking_uri()).get_run(summary["mlflow_run_id"]).data.tags
    link = tags["prefect.flow_run_url"]
    assert link.startswith("http://127.0.0.1:")
    assert link.endswith(f"/flow-runs/flow-run/{tags['prefect.flow_run_id']}")


def test_a_second_run_launches_no_job_and_shows_the_same(drawn_data: Path, finished: Any) -> None:
    workspace, first, events = finished
    summary, again = run(drawn_data, workspace, *TWO_NETWORKS)
    assert again.labels("running") == set()
    assert again.labels("reused") == events.labels("done")
    own = {"run", "mlflow_run_id", "seconds"}
    assert {name: summary[name] for name in summary.keys() - own} == {name: first[name] for name in first.keys() - own}
    states = {task_run.state_name for task_run in task_runs_of(flow_run_of(summary))}
    assert states == {"Reused"}


@pytest.mark.parametrize(
    "setting",
    ["name=n", "description=d", "checkpoint_seconds=1", "max_job_restarts=0", "dataset.max_quarantined=0.5"],
)
def test_what_only_conducts_a_run_redoes_nothing(drawn_data: Path, finished: Any, setting: str) -> None:
    workspace, first, events = finished
    summary, again = run(drawn_data, workspace, *TWO_NETWORKS, setting)
    assert again.labels("reused") == events.labels("done")
    assert summary["submission"] == first["submission"]


def test_the_plan_of_the_command_line_is_not_made_again(
    drawn_data: Path, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, first, _ = finished
    plan = plan_run(str(drawn_data), str(workspace), "smoke", TWO_NETWORKS)

    def refuse(*_: Any) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(Plan, "make", refuse)
    with handed(plan):
        summary, _ = run(drawn_data, workspace, *TWO_NETWORKS)
    assert summary["submission"] == first["submission"]


def test_changing_one_network_trains_only_that_one(drawn_data: Path, finished: Any) -> None:
    workspace, _, _ = finished
    _, events = run(drawn_data, workspace, *TWO_NETWORKS, "networks.b.optimizer.lr=0.01")
    assert events.labels("done") == {
        *("networks", "train_fold b 1/2", "train_fold b 2/2", "predict_eval b", "ensemble", "export")
    }
    latest = (workspace / "submissions" / "latest.csv").read_bytes()
    summary, _ = run(drawn_data, workspace, *TWO_NETWORKS)
    newest = Path(summary["submission"]).read_bytes()
    assert (workspace / "submissions" / "latest.csv").read_bytes() == newest
    checksum = (workspace / "submissions" / "latest.csv.sha256").read_text(encoding="utf-8")
    assert checksum.split() == [hashlib.sha256(newest).hexdigest(), "latest.csv"]
    assert latest  # the other run's own copy stays beside it
    assert len([*(workspace / "submissions").glob("*[0-9a-f].csv")]) == 2
    records = {path.stem: json.loads(path.read_bytes()) for path in (workspace / "submissions").glob("*.json")}
    newest, best = records.pop("latest"), records.pop("best")["made"]
    assert newest["made"]["macro_f1"] == summary["oof_macro_f1"]
    assert newest["replaced"]["key"] != newest["made"]["key"]
    assert best["macro_f1"] == max(one["made"]["macro_f1"] for one in records.values())


def test_a_renamed_network_is_not_trained_again(drawn_data: Path, finished: Any) -> None:
    """Its name is in the tables of the vote and of the networks, which are made again; its training does not see it."""
    workspace, first, _ = finished
    summary, events = run(drawn_data, workspace, *(text.replace("name: b", "name: c") for text in TWO_NETWORKS))
    assert events.labels("done") == {"networks", "ensemble", "export"}
    assert summary["oof_macro_f1"] == first["oof_macro_f1"]
    assert Path(summary["submission"]).read_bytes() == Path(first["submission"]).read_bytes()


def test_a_final_fit_trains_each_network_on_everybody_as_well(drawn_data: Path, finished: Any) -> None:
    workspace, first, _ = finished
    summary, events = run(drawn_data, workspace, *TWO_NETWORKS, "final_fit=true")
    assert events.labels("done") == {
        *("train_all a all", "train_all b all", "predict_eval a", "predict_eval b", "ensemble", "export")
    }
    assert summary["oof_macro_f1"] == first["oof_macro_f1"]
    client = MlflowClient(tracking.tracking_uri())
    parent = client.get_run(summary["mlflow_run_id"])
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    names = {child.info.run_name: child for child in children}
    assert {"a all", "b all"} <= set(names)
    assert "macro_f1" not in names["a all"].data.metrics
    assert "train_all a" in Path(summary["report"]).read_text(encoding="utf-8")


def test_a_deleted_output_is_made_again(drawn_data: Path, finished: Any) -> None:
    workspace, _, _ = finished
    plan = plan_run(str(drawn_data), str(workspace), "smoke", TWO_NETWORKS)
    spec = plan.prepare()
    assert isinstance(find_outcome(plan.workspace, spec), PrepareOutcome)
    (workspace / spec.address / "outcome.json").unlink()
    _, events = run(drawn_data, workspace, *TWO_NETWORKS)
    assert events.labels("done") == {"prepare"}


def test_a_wrong_data_set_fails_before_anything_is_trained(drawn_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(drawn_data, data)
    for photo in sorted((data / "train" / "images").glob("*/mask1.*"))[:5]:
        photo.write_bytes(b"not an image")
    events = Events()
    with listening(events.all.append), pytest.raises(JobFailedError, match="mask1") as error:
        train(data=str(data), workspace=str(tmp_path / "workspace"), recipe="smoke")
    assert error.value.exit_code == 2
    assert events.labels("running") == {"networks", "prepare"}
    client = MlflowClient(tracking.tracking_uri())
    experiment = client.get_experiment_by_name("maskfold")
    assert experiment is not None
    (latest, *_) = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    assert latest.info.status == "FAILED"


def test_damage_that_an_earlier_run_accepted_is_refused_under_a_lower_limit(drawn_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(drawn_data, data)
    next((data / "train" / "images").glob("*/mask1.*")).write_bytes(b"not an image")
    for photo in sorted((data / "eval" / "images").iterdir())[::2]:
        photo.write_bytes(b"not an image")
    limits = ["dataset.max_quarantined=0.5", "dataset.max_eval_unreadable=1"]
    accepted = [*limits, "networks.joint.backbone=test_resnet"]
    run(data, tmp_path / "workspace", *accepted)
    with pytest.raises(DatasetError, match=r"1 of \d+ training photographs .* allows 0.1%.*quarantine.parquet"):
        run(data, tmp_path / "workspace", *accepted, "dataset.max_quarantined=0.001")
    with pytest.raises(DatasetError, match=r"of \d+ evaluation images .* allows 10.0%.*quarantine.parquet"):
        run(data, tmp_path / "workspace", *accepted, "dataset.max_eval_unreadable=0.1")


def test_a_wrong_network_fails_before_the_data_set_is_read(drawn_data: Path, tmp_path: Path) -> None:
    events = Events()
    with listening(events.all.append), pytest.raises(JobFailedError, match="Did you mean 'test_resnet") as error:
        train(str(drawn_data), str(tmp_path / "w"), recipe="smoke", set=["networks.joint.backbone=tset_resnet"])
    assert error.value.exit_code == 2
    assert events.labels("running") == {"networks"}


def test_a_workspace_on_s3_gives_the_same_submission(drawn_data: Path, finished: Any, s3_bucket: str) -> None:
    _, first, _ = finished
    events = Events()
    with listening(events.all.append):
        summary = train(str(drawn_data), f"s3://{s3_bucket}/maskfold", recipe="smoke", set=TWO_NETWORKS)
    assert summary["submission"].startswith(f"s3://{s3_bucket}/maskfold/ensemble/")
    assert storage.read_uri(summary["submission"]) == Path(first["submission"]).read_bytes()
    assert (
        storage.read_uri(f"s3://{s3_bucket}/maskfold/submissions/latest.csv") == Path(first["submission"]).read_bytes()
    )
    assert events.labels("reused") == set()


def test_a_wrong_recipe_fails_at_once(drawn_data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="Did you mean"):
        train(data=str(drawn_data), workspace=str(tmp_path), recipe="smoke", set=["folds.kk=2"])
    assert list(tmp_path.iterdir()) == []


def test_the_summary_is_small_json(finished: Any) -> None:
    _, summary, _ = finished
    assert set(json.loads(json.dumps(summary))) == {
        *("workspace", "submission", "latest", "best", "report", "model", "oof"),
        *("oof_macro_f1", "scores", "run", "mlflow_run_id", "seconds"),
    }


def test_runs_are_told_apart_by_recipe_data_set_and_score(drawn_data: Path, finished: Any) -> None:
    _, summary, _ = finished
    assert re.fullmatch(rf"\S+ {drawn_data.name} {summary['oof_macro_f1']:.3f}", flow_run_of(summary).name)
    tags = MlflowClient(tracking.tracking_uri()).get_run(summary["mlflow_run_id"]).data.tags
    assert re.fullmatch(
        r"See also: \[Report\]\(#/experiments/.*report\.html\?workflowType=\w+\), .*\[flow run in Prefect\]\(.*\)",
        tags["mlflow.note.content"],
    )


def test_a_summary_that_prefect_does_not_take_stops_nothing(
    drawn_data: Path, finished: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise httpx.ConnectError("gone")

    monkeypatch.setattr("flows.summary.create_markdown_artifact", refuse)
    workspace, first, _ = finished
    summary, _ = run(drawn_data, workspace, *TWO_NETWORKS)
    assert summary["submission"] == first["submission"]
    assert "does not accept the summary: gone" in caplog.text
    assert MlflowClient(tracking.tracking_uri()).get_run(summary["mlflow_run_id"]).info.status == "FINISHED"
