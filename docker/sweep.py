"""Removes, once an hour, the stopped containers of flow runs that ended a day ago; their logs are in Prefect."""

import sys
import time

import docker

EVERY_SECONDS = 3600
AGE = "24h"
# Every container that Prefect's docker worker starts carries this label.
LABEL = "io.prefect.flow-run-id"

while True:
    try:
        engine = docker.from_env()
        removed = engine.containers.prune(filters={"label": LABEL, "until": AGE})["ContainersDeleted"] or []
        print(f"removed {len(removed)} containers", flush=True)
    except docker.errors.DockerException as error:
        print(f"the Docker engine does not answer: {error}", file=sys.stderr, flush=True)
    time.sleep(EVERY_SECONDS)
