"""Brings an MLflow up to what a workspace says of its runs: at a run's end, at the next one's start, or by hand."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from maskfold import champions
from maskfold.errors import MaskfoldError
from maskfold.redaction import without_password
from maskfold.specs import digest
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking.logged import short
from maskfold.tracking.mirror import RUN_TAG, WORKSPACE_TAG, Mirror
from maskfold.tracking.record import RUNS, RunRecord, is_alive, lock_of, read_record
from maskfold.tracking.store import connect, experiment, experiment_name, tracking_uri

# Answers about one run that no waiting changes; after any other error MLflow is taken to be away.
_REFUSALS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_STATE",
    "BAD_REQUEST",
}

_log = logging.getLogger(__name__)


@dataclass
class SyncReport:
    """What became of the runs of a workspace."""

    complete: int = 0
    incomplete: int = 0
    running: int = 0
    """Runs that go on; their own flows record them."""
    champions: int = 0
    """Models whose champion was looked at."""
    away: str = ""
    """Why MLflow could not be used, if it could not."""


def sync(workspace: Workspace, uri: str | None = None, again: bool = True, but: str = "") -> SyncReport:
    """Record in an MLflow what it lacks of a workspace's runs; close those whose flow has died.

    Calling it twice changes nothing, and what is interrupted is completed by the next call. Processes of one machine
    take turns; should two machines create the same run at once, both keep the same one and delete the other.

    Args:
        workspace: Holds records and outcomes.
        uri: Tracking URI; by default :func:`~maskfold.tracking.store.tracking_uri`.
        again: Whether to look at runs that were completely recorded in this MLflow before, and to wait for another
            process that is syncing the workspace.
        but: Id of a record to leave out.

    Raises:
        MaskfoldError: If the workspace cannot be listed. What goes wrong with MLflow is logged and reported.
    """
    uri = uri or tracking_uri()
    report = SyncReport()
    with contextlib.suppress(Timeout), lock_of(f"sync-{digest(workspace.uri)[:16]}").acquire(blocking=again):
        addresses = set(workspace.list(RUNS))
        mirror: Mirror | None = None
        for run in sorted({address.split("/")[1] for address in addresses if address.endswith("/run.json")} - {but}):
            if not again and marker(run, uri) in addresses:
                report.complete += 1
                continue
            try:
                if is_alive(read_record(workspace, run)):
                    report.running += 1
                    continue
                mirror = mirror or Mirror(uri, workspace)
                complete = push(_ended(run, workspace), workspace, mirror, uri)
            except Exception as error:  # noqa: BLE001 - MLflow, databases and HTTP libraries each raise their own
                refused = isinstance(error, MaskfoldError) or getattr(error, "error_code", None) in _REFUSALS
                if not refused:
                    report.away = short(error)
                    break
                _log.warning("MLflow: run %s is not recorded: %s", run, short(error))
                complete = False
            report.complete += complete
            report.incomplete += not complete
        if not report.away and (again or mirror is not None):
            report.incomplete += not _follow(mirror, workspace, uri, report)
    return report


def sync_champions(workspace: Workspace) -> str:
    """Give the alias in the configured MLflow to the champions of a workspace; return why not, if MLflow is away.

    Raises:
        MaskfoldError: If the workspace cannot be read.
    """
    report = SyncReport()
    done = _follow(None, workspace, tracking_uri(), report)
    return report.away or ("" if done else "MLflow does not take it")


def _follow(mirror: Mirror | None, workspace: Workspace, uri: str, report: SyncReport) -> bool:
    """Let the aliases follow the champions of a workspace; return whether nothing is missing."""
    report.champions = len(champions.models_with_one(workspace))
    if not report.champions:
        return True
    try:
        return (mirror or Mirror(uri, workspace)).follow_champions()
    except Exception as error:  # noqa: BLE001 - as above
        report.away = short(error)
        return True


def push(record: RunRecord, workspace: Workspace, mirror: Mirror, uri: str) -> bool:
    """Record a run that has ended; return whether all of it is recorded, which the workspace keeps note of.

    Raises:
        Exception: Whatever MLflow, its server or the workspace raise.
    """
    complete = mirror.push(record)
    if complete:
        workspace.write(marker(record.id, uri), b"{}")
    return complete


def _ended(run: str, workspace: Workspace) -> RunRecord:
    """Return the record of a run whose flow does not run any more; one without an end gets it."""
    record = read_record(workspace, run)  # again: the flow may have ended well since it was seen without an end
    if record.ended is None:
        record = record.ending("KILLED", record.alive, "its process is gone (killed, or the machine stopped)")
        record.save(workspace)
    Path(lock_of(run).lock_file).unlink(missing_ok=True)
    return record


def sync_running(uri: str) -> None:
    """Close runs that an MLflow shows as running though their flow has died, wherever their workspaces are.

    What cannot be reached is logged.
    """
    try:
        client = connect(uri)
        where = f"attributes.status = 'RUNNING' and tags.`{WORKSPACE_TAG}` LIKE '%'"
        running = client.search_runs([experiment(client, experiment_name())], where, max_results=1000)
        for workspace in sorted({run.data.tags[WORKSPACE_TAG] for run in running if RUN_TAG in run.data.tags}):
            sync(open_workspace(workspace), uri, again=False)
    except Exception as error:  # noqa: BLE001 - to look at runs needs no tidiness
        _log.warning("MLflow: runs of killed processes cannot be closed now: %s", short(error))


def marker(run: str, uri: str) -> str:
    """Return the address of the note that an MLflow has everything of a run."""
    return f"{RUNS}/{run}/synced-{digest(without_password(uri))[:16]}.json"
