"""What registering leaves on a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from flows.pools import POOLS
from maskfold.launch.pool import LOST_JOBS
from tests.servers.s3 import S3Server

ROOT = Path(__file__).parents[2]


def register(url: str, *pools: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
    return subprocess.run(
        [sys.executable, "-m", "flows.register", *pools],
        env={**kept, "PREFECT_API_URL": url, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_server_knows_all_of_it_and_no_secret_is_readable(prefect_server: str, s3_server: S3Server) -> None:
    settings = {**s3_server.environment, "MLFLOW_TRACKING_URI": "http://mlflow:5000", "MASKFOLD_BUCKET": "registered"}
    for _ in range(2):  # again, as after every change
        done = register(prefect_server, **settings)
        assert done.returncode == 0, done.stderr
    assert "registered" in [bucket["Name"] for bucket in s3_server.client().list_buckets()["Buckets"]]
    with get_client(sync_client=True) as client:
        pools = {pool.name: pool for pool in client.read_work_pools()}
        deployments = {(d.name, d.entrypoint): d for d in client.read_deployments()}
        (automation,) = client.read_automations_by_name(LOST_JOBS)
        block = client.read_block_document_by_name("maskfold-aws-secret-access-key", "secret", include_secrets=True)
    assert set(POOLS) <= set(pools)
    assert automation.enabled
    assert block.data["value"] == settings["AWS_SECRET_ACCESS_KEY"]
    environment = pools["docker"].base_job_template["variables"]["properties"]["env"]["default"]
    assert environment["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert environment["AWS_ENDPOINT_URL_S3"] == s3_server.endpoint
    assert environment["AWS_SECRET_ACCESS_KEY"] == "{{ prefect.blocks.secret.maskfold-aws-secret-access-key }}"
    assert "answers without a password" in done.stderr  # the tests' server does
    shown = str(
        [pool.model_dump_json() for pool in pools.values()] + [d.model_dump_json() for d in deployments.values()]
    )
    assert settings["AWS_SECRET_ACCESS_KEY"] not in shown
    scheduled = deployments["docker", "flows/train.py:train"]
    assert [schedule.active for schedule in scheduled.schedules] == [False]
    assert scheduled.tags == ["maskfold", "train"]
    compared = deployments["docker", "flows/compare.py:compare"]
    assert (compared.work_queue_name, compared.tags) == ("flows", ["maskfold", "compare"])
    assert compared.parameters["study"]["vary"] == {"networks.*.loss": ["focal", "label-smoothing"]}
    assert deployments["docker", "flows/job.py:job"].work_queue_name == "jobs"
    assert deployments["docker", "flows/job.py:job"].job_variables["image"] == "maskfold-job:latest"
    pod = pools["kubernetes"].base_job_template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "{{ gpus }}"


@pytest.mark.slow
def test_again_it_keeps_what_people_have_chosen_and_other_pools(prefect_server: str) -> None:
    register(prefect_server, "docker", "kubernetes", MLFLOW_TRACKING_URI="http://first:5000")
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("train/docker")
        schedule = deployment.schedules[0]
        assert schedule.id is not None
        client.update_deployment_schedule(deployment.id, schedule.id, active=True)
    done = register(prefect_server, "docker", MLFLOW_TRACKING_URI="http://second:5000")
    assert done.returncode == 0, done.stderr
    with get_client(sync_client=True) as client:
        assert [one.active for one in client.read_deployment_by_name("train/docker").schedules] == [True]
        seen = {
            pool: client.read_work_pool(pool).base_job_template["variables"]["properties"]["env"]["default"]
            for pool in ("docker", "kubernetes")
        }
        client.update_deployment_schedule(deployment.id, schedule.id, active=False)
    assert seen["docker"]["MLFLOW_TRACKING_URI"] == "http://second:5000"
    assert seen["kubernetes"]["MLFLOW_TRACKING_URI"] == "http://first:5000"


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["http://anna:pl4nted-one@mlflow:5000", "postgresql://anna:pl4nted-one@db/mlflow"])
def test_a_uri_with_a_password_goes_into_a_secret_block(prefect_server: str, uri: str) -> None:
    done = register(prefect_server, "docker", MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    assert "pl4nted" not in done.stdout + done.stderr
    with get_client(sync_client=True) as client:
        pool = client.read_work_pool("docker")
        block = client.read_block_document_by_name("maskfold-mlflow-tracking-uri", "secret", include_secrets=True)
    environment = pool.base_job_template["variables"]["properties"]["env"]["default"]
    assert environment["MLFLOW_TRACKING_URI"] == "{{ prefect.blocks.secret.maskfold-mlflow-tracking-uri }}"
    assert "pl4nted" not in pool.model_dump_json()
    assert block.data["value"] == uri


def test_a_pool_that_nothing_is_deployed_on_is_refused() -> None:
    done = register("http://127.0.0.1:9/api", "dokcer")
    assert done.returncode == 2
    assert "work pool 'dokcer': prefect.yaml has deployments for local, docker, docker-gpu, kubernetes" in done.stderr


def test_without_a_server_it_says_so() -> None:
    done = register("http://127.0.0.1:9/api")
    assert done.returncode == 2
    assert "PREFECT_API_URL=http://127.0.0.1:9/api: no Prefect server answers there" in done.stderr
    assert "Traceback" not in done.stderr
