"""Removes, once an hour, stopped containers of maskfold's flow runs that ended a day ago; their logs are in Prefect."""

import sys
import time
from datetime import UTC, datetime, timedelta

import docker

EVERY_SECONDS = 3600
AGE = timedelta(days=1)
LABEL = "maskfold"
"""Label that prefect.yaml sets on the containers of both flows."""


def sweep(engine: docker.DockerClient, label: str = LABEL, age: timedelta = AGE) -> int:
    """Remove containers with the label that ended longer than ``age`` ago; return their number."""
    removed = 0
    for container in engine.containers.list(all=True, filters={"label": label, "status": "exited"}):
        # Python's datetime does not parse nanoseconds, which begin after the 26th character.
        ended = datetime.fromisoformat(container.attrs["State"]["FinishedAt"][:26].rstrip("Z")).replace(tzinfo=UTC)
        if datetime.now(UTC) - ended > age:
            container.remove()
            removed += 1
    return removed


if __name__ == "__main__":
    while True:
        try:
            print(f"removed {sweep(docker.from_env())} containers", flush=True)
        except docker.errors.DockerException as error:
            print(f"the Docker engine does not answer: {error}", file=sys.stderr, flush=True)
        time.sleep(EVERY_SECONDS)
