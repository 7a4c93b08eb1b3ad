"""The compose stack as tests see it: servers on free loopback ports, images and volumes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, Log
from prefect.client.schemas.sorting import LogSort
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

ROOT = Path(__file__).parents[2]
PROJECT = "maskfold-test"
IMAGES = f"{PROJECT}/"
BUCKET = "maskfold"
PASSWORDS = {
    f"{service}_PASSWORD": f"of-tests-only-{service.lower()}" for service in ("POSTGRES", "STORE", "PREFECT", "MLFLOW")
}
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
WAIT_S = 900.0
"""Long enough for a busy machine: it only ends a wait for what never comes."""
RUN_LABEL = "io.prefect.flow-run-id"

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    settings: Path
    """Its file of settings, in place of ``docker/.env``."""
    ports: dict[str, int]

    @property
    def environment(self) -> dict[str, str]:
        """For commands that start, stop or look at it."""
        group = Path(os.environ.get("DOCKER_SOCKET", "/var/run/docker.sock")).stat().st_gid
        settings = {"COMPOSE_PROJECT_NAME": PROJECT, "STACK_ENV": str(self.settings), "DOCKER_GID": str(group)}
        return {**os.environ, **settings}

    @property
    def client_environment(self) -> dict[str, str]:
        """For programs that use its servers from this machine."""
        return {
            "PREFECT_API_URL": self.prefect_url,
            "PREFECT_API_AUTH_STRING": f"maskfold:{PASSWORDS['PREFECT_PASSWORD']}",
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            "MLFLOW_TRACKING_USERNAME": "maskfold",
            "MLFLOW_TRACKING_PASSWORD": PASSWORDS["MLFLOW_PASSWORD"],
            "AWS_ACCESS_KEY_ID": "maskfold:maskfold",
            "AWS_SECRET_ACCESS_KEY": PASSWORDS["STORE_PASSWORD"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.ports['STORE_PORT']}",
        }

    @property
    def prefect_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PREFECT_PORT']}/api"

    @property
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['MLFLOW_PORT']}"

    @property
    def mlflow_login(self) -> str:
        """Address of MLflow with user and password, for clients in this process."""
        return self.mlflow_url.replace("://", f"://maskfold:{PASSWORDS['MLFLOW_PASSWORD']}@")

    def make(self, target: str) -> str:
        """Run a target of the Makefile."""
        return run(["make", "--no-print-directory", target], env=self.environment, cwd=ROOT)

    def compose(self, *arguments: str) -> str:
        command = ["docker", "compose", "--file", "docker/compose.yaml", "--env-file", str(self.settings)]
        return run([*command, *arguments], env=self.environment, cwd=ROOT)

    def two_workers(self) -> None:
        """Start as many workers as are missing."""
        self.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "worker=2", "worker")

    def services(self) -> dict[str, dict[str, Any]]:
        """State of each running service; of several containers of one, the last."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        return {entry["Service"]: entry for entry in map(json.loads, lines)}

    def logs(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "60")

    def s3(self, endpoint: str | None = None, verify: str | None = None) -> Any:
        """Return a plain boto3 client, independent of the code under test, by default for the plain port."""
        import boto3
        from botocore.config import Config

        settings = self.client_environment
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint or settings["AWS_ENDPOINT_URL_S3"],
            verify=verify,
            region_name="us-east-1",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the bucket below a prefix."""
        pages = self.s3().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def prefect(self) -> SyncPrefectClient:
        settings = {
            PREFECT_API_URL: self.prefect_url,
            PREFECT_API_AUTH_STRING: self.client_environment["PREFECT_API_AUTH_STRING"],
        }
        with temporary_settings(settings):
            return get_client(sync_client=True)

    def start(self, workspace: str, *settings: str) -> UUID:
        """Start the deployment ``train/docker``; return the run's id."""
        with self.prefect() as client:
            deployment = client.read_deployment_by_name("train/docker")
            parameters = {"recipe": "smoke", "workspace": f"s3://{BUCKET}/{workspace}", "set": list(settings)}
            return client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

    def state(self, run_id: UUID) -> str:
        with self.prefect() as client:
            state = client.read_flow_run(run_id).state
        return state.name if state else "none"

    def message(self, run_id: UUID) -> str:
        """Return what the last state of a run says."""
        with self.prefect() as client:
            state = client.read_flow_run(run_id).state
        return str(state.message) if state else ""

    def jobs(self, run_id: UUID) -> list[FlowRun]:
        """Return the job runs that a run of ``train`` has asked for."""
        parent = FlowRunFilterParentFlowRunId(any_=[run_id])
        with self.prefect() as client:
            return client.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id=parent))

    def said(self, run_id: UUID) -> str:
        """Return the end of what a run has logged, for messages."""
        return "\n".join(log.message for log in self.run_logs(run_id))[-4000:]

    def run_logs(self, run_id: UUID) -> list[Log]:
        with self.prefect() as client:
            wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
            return client.read_logs(wanted, limit=200, sort=LogSort.TIMESTAMP_ASC)

    def finish(self, run_id: UUID, seconds: float = WAIT_S) -> str:
        """Wait for the end of a run; return its state's name."""
        ends = ("Completed", "Failed", "Crashed", "Cancelled")
        return self.wait(lambda: (name := self.state(run_id)) in ends and name, "the end of the run", seconds)

    def wait(self, probe: Callable[[], ValueT], what: str, seconds: float = WAIT_S) -> ValueT:
        """Wait until a probe returns something; return it."""
        deadline = time.monotonic() + seconds
        while not (found := probe()):
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{self.logs()}"
            time.sleep(0.5)
        return found


def container_of(flow_run: UUID) -> list[str]:
    """Return the running container of a flow run, if it has one."""
    return run(["docker", "ps", "--quiet", "--no-trunc", "--filter", f"label={RUN_LABEL}={flow_run}"]).split()


def run(command: list[str], **options: Any) -> str:
    """Run a command; return what it printed, or fail with it."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    done = subprocess.run(command, text=True, check=False, **streams)
    printed = f"{(done.stdout or '')[-4000:]}\n{(done.stderr or '')[-8000:]}"
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{printed}"
    return done.stdout
