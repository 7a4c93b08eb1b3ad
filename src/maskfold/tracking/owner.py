"""Which process a run belongs to, so that the run of a process that died does not stay RUNNING."""

from __future__ import annotations

import logging
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from maskfold.tracking.store import connect, experiment, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

HOST_TAG = "maskfold.host"
PROCESS_TAG = "maskfold.process"
"""``<boot id>/<process id namespace>/<process id>/<start time>``; the first, second and last may be empty."""

_log = logging.getLogger(__name__)


def owner_tags() -> dict[str, str]:
    """Return tags that name this process among all that ever ran."""
    return {HOST_TAG: platform.node(), PROCESS_TAG: f"{_boot()}/{_namespace()}/{os.getpid()}/{_started(os.getpid())}"}


def close_stale_runs(uri: str | None = None) -> list[str]:
    """Mark runs as FAILED that say RUNNING but whose process on this machine is gone (killed, power cut).

    Runs of other machines and of other containers are left alone: their processes cannot be seen from here.

    Args:
        uri: Tracking URI; by default :func:`~maskfold.tracking.store.tracking_uri`.

    Returns:
        Ids of the closed runs; none when the server cannot be reached, which is logged.
    """
    uri = uri or tracking_uri()
    try:
        client = connect(uri)
        return close_stale(client, experiment(client))
    except Exception as error:  # noqa: BLE001 - tracking never stops training
        _log.warning("MLflow at %s: runs of killed processes cannot be closed now: %s", uri, error)
        return []


def close_stale(client: MlflowClient, experiment_id: str) -> list[str]:
    """Do what :func:`close_stale_runs` says in one experiment.

    Raises:
        Exception: Whatever MLflow or its server raise.
    """
    closed = []
    for run in _running(client, experiment_id):
        if _is_dead(run.data.tags.get(PROCESS_TAG, "")):
            client.set_tag(
                run.info.run_id, "failure", "the process that ran it is gone (killed, or the machine stopped)"
            )
            client.set_terminated(run.info.run_id, "FAILED")
            closed.append(str(run.info.run_id))
    if closed:
        _log.info("MLflow: %d run(s) of killed processes marked FAILED", len(closed))
    return closed


def _running(client: MlflowClient, experiment_id: str) -> list[Run]:
    where = f"attributes.status = 'RUNNING' and tags.`{HOST_TAG}` = '{platform.node()}'"
    runs: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], where, max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _is_dead(process: str) -> bool:
    """Return whether a process of this machine is certainly gone."""
    boot, namespace, pid, started = (process.split("/") + [""] * 4)[:4]
    if not pid.isdecimal():
        return False
    if boot != _boot():
        return True
    if namespace != _namespace():
        return False
    return _started(int(pid)) != started if started else not _exists(int(pid))


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; empty if it is gone or a zombie."""
    # The name in parentheses may contain anything, so the fields are counted from its end.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
