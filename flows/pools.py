"""The work pools that jobs run on: options missing from Prefect's templates, and the environment of all containers."""

from __future__ import annotations

import copy
from typing import Any

POOLS = {"local": "process", "docker": "docker", "docker-gpu": "docker", "kubernetes": "kubernetes"}
"""Type of each pool; ``prefect.yaml`` has deployments for all of them."""
WAITING = ("train", "compare", "tune", "auto", "audit", "predict")
"""Flows that start jobs and wait for them; also the tags of their deployments."""

Template = dict[str, Any]


def make_template(pool: str, template: Template, environment: dict[str, str], network: str | None) -> Template:
    """Return a pool's base job template.

    Args:
        pool: Name of the pool.
        template: Prefect's template for this type of pool.
        environment: Variables of every container; values may refer to blocks of the server, which workers resolve when
            they start a container. Processes inherit theirs from their worker.
        network: Docker network that containers join; None leaves the choice to Docker.
    """
    made = copy.deepcopy(template)
    variables = made["variables"]["properties"]
    if POOLS[pool] != "process":
        variables["env"]["default"] = environment
    if POOLS[pool] == "docker":
        # A server's older template may lack this option: containers would silently ignore what prefect.yaml sets.
        variables["container_create_kwargs"] = {"type": "object", "description": "More options of docker-py"}
        made["job_configuration"]["container_create_kwargs"] = "{{ container_create_kwargs }}"
        if network is not None:
            variables["networks"]["default"] = [network]
    if POOLS[pool] == "kubernetes":
        _extend_kubernetes(made)
    return made


def _extend_kubernetes(template: Template) -> None:
    """Add GPUs, tolerations, shared memory, and a read-only root file system."""
    template["variables"]["properties"] |= {
        "gpus": {"type": "integer", "minimum": 1, "description": "GPUs of the container: nvidia.com/gpu"},
        "tolerations": {"type": "array", "items": {"type": "object"}, "default": []},
        "node_selector": {"type": "object", "default": {}},
        "shm_size": {"type": "string", "default": "1Gi", "description": "Largest size of /dev/shm, which is memory"},
    }
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod |= {
        "shareProcessNamespace": True,  # so that orphans are reaped, which cancelling waits for
        "tolerations": "{{ tolerations }}",
        "nodeSelector": "{{ node_selector }}",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
        "volumes": [
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "{{ shm_size }}"}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "cache", "emptyDir": {}},
        ],
    }
    container = pod["containers"][0]
    container["resources"]["limits"]["nvidia.com/gpu"] = "{{ gpus }}"
    container |= {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - in the container
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
            {"name": "cache", "mountPath": "/cache"},
        ],
    }
