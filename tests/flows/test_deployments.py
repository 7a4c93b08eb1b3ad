"""prefect.yaml: what Prefect, its workers and their engines make of it."""

import asyncio
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import pytest
import yaml
from prefect.cli.deploy._models import DeploymentConfig, PrefectYamlModel
from prefect.client.orchestration import get_client
from prefect.utilities.callables import parameter_schema
from prefect.workers.base import BaseJobConfiguration
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

import docker
from flows.audit import audit
from flows.auto import Automation, auto
from flows.compare import Comparison, compare
from flows.job import job
from flows.lost_jobs import TAG
from flows.pools import POOLS, WAITING, make_template
from flows.predict import predict
from flows.register import FLOWS
from flows.train import train
from flows.tune import Tuning, tune
from maskfold.launch.pool import SILENCE_SECONDS
from maskfold.study.plan import Study

ROOT = Path(__file__).parents[2]
FILE = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS = {(one["entrypoint"].rpartition(":")[2], one["name"]): one for one in FILE["deployments"]}
ConfigurationT = TypeVar("ConfigurationT", bound=BaseJobConfiguration)
ENVIRONMENT = {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}


def test_every_run_sends_heartbeats_as_often_as_lost_jobs_are_noticed_by() -> None:
    for deployment in DEPLOYMENTS.values():
        every = deployment["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
        assert 3 * int(every) <= SILENCE_SECONDS
        assert TAG in deployment["tags"]


def variables(flow: str, pool: str) -> dict[str, Any]:
    """Return the job variables of a deployment, as deployed without a registry."""
    values = dict(DEPLOYMENTS[flow, pool]["work_pool"]["job_variables"])
    values["image"] = values["image"].replace("{{ $MASKFOLD_IMAGES }}", "")
    return values


def configuration(kind: type[ConfigurationT], template: dict[str, Any], flow: str, pool: str) -> ConfigurationT:
    """Return what a worker makes of a deployment."""

    async def make() -> ConfigurationT:
        async with get_client() as client:
            return await kind.from_template_and_values(template, variables(flow, pool), client=client)

    return asyncio.run(make())


def bundled(package: str, kind: str) -> dict[str, Any]:
    """Return the template that a server without internet knows; it is older than the workers'."""
    file = files("prefect.server.api") / "collections_data" / "views" / "aggregate-worker-metadata.json"
    template: dict[str, Any] = json.loads(file.read_text())[package][kind]["default_base_job_configuration"]
    return template


DOCKER = {"new": DockerWorker.get_default_base_job_template(), "bundled": bundled("prefect-docker", "docker")}
KUBERNETES = {
    "new": KubernetesWorker.get_default_base_job_template(),
    "bundled": bundled("prefect-kubernetes", "kubernetes"),
}
either = pytest.mark.parametrize("age", ["new", "bundled"])


def pod_of(flow: str, age: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pod of a deployment, and its container."""
    template = make_template("kubernetes", KUBERNETES[age], ENVIRONMENT, None)
    made = configuration(KubernetesWorkerJobConfiguration, template, flow, "kubernetes")
    assert "{{" not in str(made.job_manifest)
    pod = made.job_manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def test_it_is_valid_by_prefects_schema() -> None:
    jsonschema.validate(FILE, PrefectYamlModel.model_json_schema(by_alias=True))
    for one in FILE["deployments"]:
        assert set(one) <= set(DeploymentConfig.model_fields), one["name"]  # the schema lets misspelt keys pass


def test_all_flows_are_on_every_pool() -> None:
    assert set(DEPLOYMENTS) == {(flow, pool) for flow in (*WAITING, "job") for pool in POOLS}
    assert set(FLOWS) == {flow for flow, _ in DEPLOYMENTS}


def test_every_deployment_is_described_tagged_and_limited() -> None:
    for (flow, _), one in DEPLOYMENTS.items():
        assert one["description"]
        assert one["tags"] == ["maskfold", flow]
    for flow, pool in ((flow, pool) for flow in WAITING for pool in POOLS):
        assert DEPLOYMENTS[flow, pool]["concurrency_limit"]["limit"] == 1
        launcher = DEPLOYMENTS[flow, pool]["parameters"]["launcher"]
        assert launcher == ("local" if pool == "local" else f"pool:{pool}")


def test_every_field_of_the_form_is_described() -> None:
    for flow in (train, compare, tune, auto, audit, predict, job):
        for name, field in parameter_schema(flow).properties.items():
            assert field.get("description"), f"{flow.name}: {name}"


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_compared_by_default_can_be_planned(pool: str, drawn_data: Path, tmp_path: Path) -> None:
    study = Study.model_validate(DEPLOYMENTS["compare", pool]["parameters"]["study"])
    comparison = Comparison.make(study, str(drawn_data), str(tmp_path / "workspace"))
    losses = {network.loss.name for _, plan in comparison.variants for network in plan.recipe.networks}
    assert losses == {"cross-entropy", "focal", "label-smoothing"}


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_searched_by_default_can_be_planned(pool: str, drawn_data: Path, tmp_path: Path) -> None:
    given = DEPLOYMENTS["tune", pool]["parameters"]
    tuning = Tuning.make(str(drawn_data), str(tmp_path / "workspace"), given["recipe"], budget=given["budget"])
    assert tuning.space.searched
    assert tuning.budget is not None


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_chosen_by_default_can_be_planned(pool: str, drawn_data: Path, tmp_path: Path) -> None:
    given = DEPLOYMENTS["auto", pool]["parameters"]
    found = Automation.make(str(drawn_data), str(tmp_path / "workspace"), given["budget"], launcher=given["launcher"])
    assert found.budget >= 3600
    assert len(found.plan.recipe.networks) > 1


def test_schedules_sleep() -> None:
    schedules = [schedule for one in DEPLOYMENTS.values() for schedule in one["schedules"]]
    assert schedules
    assert not any(schedule["active"] for schedule in schedules)


def test_it_holds_no_credentials() -> None:
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8").lower()
    assert not any(word in text for word in ("secret_access_key", "password:", "token:"))


def test_runs_that_wait_do_not_take_the_places_of_jobs() -> None:
    """A worker that is full of runs that wait for jobs would wait for ever."""
    queues = {
        (flow, pool): (one["work_pool"]["name"], one["work_pool"].get("work_queue_name"))
        for (flow, pool), one in DEPLOYMENTS.items()
    }
    for pool in ("docker", "docker-gpu", "kubernetes"):
        for flow in WAITING:
            assert queues[flow, pool] not in [queues["job", other] for other in POOLS]


@either
@pytest.mark.parametrize("key", [key for key in DEPLOYMENTS if key[1].startswith("docker")], ids="/".join)
def test_docker_workers_and_the_engine_understand_them(key: tuple[str, str], age: str, prefect_server: str) -> None:
    template = make_template("docker", DOCKER[age], ENVIRONMENT, "net")
    made = configuration(DockerWorkerJobConfiguration, template, *key)
    assert made.networks == ["net"]
    assert made.volumes == ["maskfold-cache:/cache"]
    assert made.env == {**ENVIRONMENT, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    assert (
        made.image
        == {
            **{(flow, pool): "maskfold-flow:latest" for flow in WAITING for pool in ("docker", "docker-gpu")},
            ("job", "docker"): "maskfold-job:latest",
            ("job", "docker-gpu"): "maskfold-job-gpu:latest",
        }[key]
    )
    options = made.container_create_kwargs
    assert options is not None
    host = docker.APIClient(version="1.43").create_host_config(**options)
    assert host["ReadonlyRootfs"]
    assert host["Init"]
    assert host["CapDrop"] == ["ALL"]
    requests = host.get("DeviceRequests", [])
    if key == ("job", "docker-gpu"):
        assert requests == [
            {"Driver": "nvidia", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}
        ]
    else:
        assert requests == []


@either
def test_a_pod_gets_its_gpu_and_its_tolerations(age: str, prefect_server: str) -> None:
    pod, container = pod_of("job", age)
    assert container["resources"]["limits"] == {"memory": "32Gi", "nvidia.com/gpu": 1}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    for flow in WAITING:
        _, container = pod_of(flow, age)
        assert "nvidia.com/gpu" not in container["resources"]["limits"]


@either
def test_a_pod_has_shared_memory_and_nothing_else_to_write_to(age: str, prefect_server: str) -> None:
    pod, container = pod_of("job", age)
    volumes = {volume["name"]: volume["emptyDir"] for volume in pod["volumes"]}
    assert volumes["shm"] == {"medium": "Memory", "sizeLimit": "8Gi"}
    places = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert places == {"/dev/shm": "shm", "/tmp": "tmp", "/cache": "cache"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
