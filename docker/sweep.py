"""Tidies a host, once an hour: containers of maskfold's flow runs that ended or were never started, the jobs' cache."""

import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
from maskfold.launch.scratch import PREFIX
from maskfold.storage.pruning import prune

EVERY_SECONDS = 3600
AGE = timedelta(days=1)
LABEL = "maskfold"
"""Label that prefect.yaml sets on the containers of both flows."""


def sweep(engine: docker.DockerClient, label: str = LABEL, age: timedelta = AGE) -> int:
    """Remove containers with the label that ended, or were created and never started, longer than ``age`` ago.

    The logs of those that ran are in Prefect. A worker that is killed at the wrong moment leaves the others.

    Returns:
        The number of removed containers.
    """
    removed = 0
    for container in engine.containers.list(
        all=True, filters={"label": label, "status": ["exited", "created", "dead"]}
    ):
        state = container.attrs["State"]
        since = container.attrs["Created"] if state["Status"] == "created" else state["FinishedAt"]
        # Python's datetime does not parse nanoseconds, which begin after the 26th character.
        if datetime.now(UTC) - datetime.fromisoformat(since[:26].rstrip("Z")).replace(tzinfo=UTC) > age:
            container.remove()
            removed += 1
    return removed


def tidy_temporary(folder: Path, age: timedelta = AGE) -> int:
    """Delete what killed processes left in the temporary folder of jobs; return the number of deleted entries.

    Jobs' own folders are left out: the next job deletes those, by their locks.
    """
    deleted = 0
    for path in folder.iterdir():
        if not path.name.startswith(PREFIX) and time.time() - path.lstat().st_mtime > age.total_seconds():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()
            deleted += 1
    return deleted


if __name__ == "__main__":
    limit = int(float(os.environ["CACHE_GB"]) * 1e9)
    while True:
        try:
            print(f"removed {sweep(docker.from_env())} containers", flush=True)
        except docker.errors.DockerException as error:
            print(f"the Docker engine does not answer: {error}", file=sys.stderr, flush=True)
        try:
            print(f"cache: freed {prune(limit) / 1e6:.0f} MB", flush=True)
            print(f"temporary files: deleted {tidy_temporary(Path(tempfile.gettempdir()))}", flush=True)
        except OSError as error:
            print(f"the cache cannot be tidied: {error}", file=sys.stderr, flush=True)
        time.sleep(EVERY_SECONDS)
