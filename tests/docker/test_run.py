"""A whole run through the stack: flow and jobs in containers, workspace on S3, everything recorded."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from mlflow import MlflowClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from maskfold.tracking import TRAINING_VIEW
from tests.docker.stack import BUCKET, ROOT, RUN_LABEL, Stack, container_of, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400), pytest.mark.slow]

JOBS = [
    *("crop", "ensemble", "export", "networks", "predict_eval joint", "prepare"),
    *("train_fold joint 1/2", "train_fold joint 2/2"),
]


@dataclass(frozen=True)
class Finished:
    """The run and what it left."""

    flow_run: UUID
    jobs: list[FlowRun]


@pytest.fixture(scope="module")
def finished(stack: Stack) -> Finished:
    """A run started from the command line, as users do."""
    workspace = f"s3://{BUCKET}/run"
    command = ["deployment", "run", "train/docker", "--param", "recipe=smoke", "--param", f"workspace={workspace}"]
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *command],
        env={**os.environ, **stack.client_environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"UUID: ([0-9a-f-]{36})", done.stdout)
    assert found, done.stdout
    flow_run = UUID(found[1])
    assert stack.finish(flow_run) == "Completed", stack.said(flow_run)
    return Finished(flow_run, stack.jobs(flow_run))


def test_the_submission_in_the_bucket_is_whole(stack: Stack, finished: Finished, drawn_data: Path) -> None:
    content = stack.s3().get_object(Bucket=BUCKET, Key="run/submissions/latest.csv")["Body"].read()
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    with (drawn_data / "eval" / "info.csv").open(encoding="utf-8") as stream:
        wanted = [row["ImageID"] for row in csv.DictReader(stream)]
    assert [row["ImageID"] for row in rows] == wanted
    assert all(int(row["ans"]) in range(18) for row in rows)


def test_mlflow_has_the_run_and_its_folds(stack: Stack, finished: Finished) -> None:
    client = MlflowClient(stack.mlflow_login)
    experiment = client.get_experiment_by_name("maskfold")
    assert experiment is not None
    tag = f"tags.`prefect.flow_run_id` = '{finished.flow_run}'"
    (parent,) = client.search_runs([experiment.experiment_id], tag)
    children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert parent.info.status == "FINISHED"
    assert [child.info.status for child in children] == ["FINISHED", "FINISHED"]
    assert parent.data.tags["mlflow.source.git.commit"] == run(["git", "rev-parse", "HEAD"], cwd=ROOT).strip()
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"recipe.yaml", "submission.csv", "report.html"} <= names
    # The server passes artifacts on to the object store, so that readers need no credentials for it.
    assert any(key.endswith("submission.csv") for key in stack.keys("mlflow/"))


def test_links_of_the_summary_open_in_a_browser(stack: Stack, finished: Finished) -> None:
    """Each leads to a page that this machine reaches, by the proxy with TLS, and the files are there."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["scores"]))
    run_filter = FlowRunFilter(id=FlowRunFilterId(any_=[finished.flow_run]))
    with stack.prefect() as client:
        (page,) = (str(one.data) for one in client.read_artifacts(artifact_filter=wanted, flow_run_filter=run_filter))
    links = [link.removesuffix(TRAINING_VIEW) for link in re.findall(r"\]\(([^)]+)\)", page)]
    mlflow = f"https://localhost:{stack.ports['MLFLOW_TLS_PORT']}"
    assert all(link.startswith(f"{mlflow}/#/experiments/") for link in links), links
    run_page = next(link for link in links if "/artifacts/" not in link)
    names = {link.removeprefix(f"{run_page}/artifacts/") for link in links} - {run_page}
    assert names == {"submission.csv", "report.html"}
    client = MlflowClient(stack.mlflow_login)
    run_id = run_page.rpartition("/")[2]
    assert names <= {file.path for file in client.list_artifacts(run_id)}
    back = client.get_run(run_id).data.tags["prefect.flow_run_url"]
    assert back == f"https://localhost:{stack.ports['PREFECT_TLS_PORT']}/flow-runs/flow-run/{finished.flow_run}"


def test_prefect_has_every_job_as_a_run_of_its_own(stack: Stack, finished: Finished) -> None:
    assert sorted(job.name for job in finished.jobs) == JOBS
    assert {job.state_name for job in finished.jobs} == {"Completed"}
    for job in finished.jobs:
        messages = [log.message for log in stack.run_logs(job.id)]
        assert any(f"{job.name} begins" in message for message in messages), messages
        assert len(messages) > 4


def test_two_workers_shared_the_folds(stack: Stack, finished: Finished) -> None:
    workers = {job.name: job.labels["prefect.worker.name"] for job in finished.jobs if "train_fold" in job.name}
    assert len(set(workers.values())) == 2, workers


def test_jobs_ran_without_privileges(finished: Finished) -> None:
    for flow_run in [finished.flow_run, *(job.id for job in finished.jobs)]:
        (name,) = run(["docker", "ps", "--all", "--quiet", "--filter", f"label={RUN_LABEL}={flow_run}"]).split()
        (container,) = json.loads(run(["docker", "inspect", name]))
        host = container["HostConfig"]
        assert container["Config"]["User"] == "maskfold"
        assert (host["ReadonlyRootfs"], host["Init"], host["CapDrop"]) == (True, True, ["ALL"])
        assert host["SecurityOpt"] == ["no-new-privileges"]


def test_no_container_is_left_running(finished: Finished, stack: Stack) -> None:
    runs = [finished.flow_run, *(job.id for job in finished.jobs)]
    stack.wait(lambda: not any(container_of(one) for one in runs), "the end of the run's containers")


def test_how_long_a_job_takes_to_start(stack: Stack, finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not judged: from asking for a job to the first line of the job itself."""
    seconds = {}
    for job in finished.jobs:
        begins = next(log for log in stack.run_logs(job.id) if f"{job.name} begins" in log.message)
        assert job.created is not None
        seconds[job.name] = (begins.timestamp - job.created).total_seconds()
    with capsys.disabled():
        print("\nseconds from submit to first log line:", {name: round(seconds[name], 1) for name in sorted(seconds)})
    assert all(value > 0 for value in seconds.values())


def test_the_same_run_again_launches_no_job(stack: Stack, finished: Finished) -> None:
    again = stack.start("run")
    assert stack.finish(again) == "Completed"
    assert stack.jobs(again) == []
