"""What a flow ran, kept in the workspace: with the jobs' outcomes enough to show the run in any MLflow at any time."""

from __future__ import annotations

import platform
import time
import uuid
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from maskfold.errors import CorruptDataError
from maskfold.home import home, make_private
from maskfold.recipe import Settings
from maskfold.settings import Count
from maskfold.storage import Workspace

RUNS = "runs"
"""Folder of the records in a workspace."""
BEAT_S = 60.0
"""A flow renews its record this often, so that others see that it is alive."""
DEAD_AFTER_S = 600.0
"""A flow that has not renewed its record for so long, ten beats, is taken for dead."""
_ID = r"^\d{8}T\d{6}-[0-9a-f]{8}$"

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class JobRecord(Settings):
    """One job of a run; all times are milliseconds since 1970."""

    stage: str = Field(pattern=r"^[a-z_]+$")
    key: str = Field(pattern=r"^[0-9a-f]{16}$")
    label: str
    """How people call the job."""
    child: str = ""
    """Name of the job's own MLflow run, below that of the flow; empty: the flow's run shows its results."""
    params: dict[str, str] = Field(default_factory=dict)
    """Of the child run; ``network`` stands for all settings of that network."""
    started: Count
    ended: Count | None = None
    status: Status = "RUNNING"
    reused: bool = False
    """An earlier run did the job."""
    failure: str = ""

    @property
    def address(self) -> str:
        """Folder of the job's outputs, relative to the workspace."""
        return f"{self.stage}/{self.key}"


class RunRecord(Settings):
    """One run of a flow; all times are milliseconds since 1970."""

    id: str = Field(pattern=_ID)
    """Time of the start in UTC and a random part: sorted by name, runs are sorted by time."""
    parent: str | None = Field(default=None, pattern=_ID)
    """Id of the run that this one is part of."""
    name: str
    experiment: str
    """MLflow's."""
    data: str
    """URI of the data set."""
    recipe: str
    """The whole recipe as YAML."""
    classes: tuple[str, ...]
    """Names of the classes, in their order."""
    tags: dict[str, str]
    host: str
    started: Count
    alive: Count
    """When the flow last renewed this."""
    ended: Count | None = None
    status: Status = "RUNNING"
    failure: str = ""
    jobs: tuple[JobRecord, ...] = ()

    @property
    def folder(self) -> str:
        """Address of the record's folder."""
        return f"{RUNS}/{self.id}"

    def save(self, workspace: Workspace) -> None:
        """Publish the record atomically.

        Raises:
            MaskfoldError: As :meth:`maskfold.storage.Workspace.write` does.
        """
        workspace.write(f"{self.folder}/run.json", self.model_dump_json(indent=1).encode())

    def ending(self, status: Status, at: int, failure: str = "") -> RunRecord:
        """Return the record of the ended run; jobs without an end failed, or were killed with it."""
        left = {"status": "KILLED" if status == "KILLED" else "FAILED", "ended": at, "failure": failure}
        jobs = tuple(job if job.ended else job.model_copy(update=left) for job in self.jobs)
        return self.model_copy(update={"status": status, "ended": at, "failure": failure, "jobs": jobs})


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)


def new_id() -> str:
    """Return an id for a run that starts now."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"


def read_record(workspace: Workspace, run: str) -> RunRecord:
    """Return the record of a run.

    Raises:
        CorruptDataError: If it is missing, damaged, or of another version of maskfold.
        MaskfoldError: If the workspace cannot be read.
    """
    address = f"{RUNS}/{run}/run.json"
    try:
        record = RunRecord.model_validate_json(workspace.read(address) or b"")
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}"
    else:
        if record.id == run:
            return record
        why = f"it belongs to the run {record.id}"
    raise CorruptDataError(f"{workspace.locate(address)} is not the record of a run: {why}")


def lock_of(name: str) -> FileLock:
    """Return a lock of this machine; the system frees it when the process that holds it dies.

    Args:
        name: Id of a run, whose flow holds it as long as it runs; or another name.
    """
    folder = make_private(home() / "locks")
    return FileLock(folder / f"{name}.lock", thread_local=False)


def is_alive(record: RunRecord) -> bool:
    """Return whether the flow of a run still runs, or is just recording its end.

    On the flow's own machine its lock says so at once. Elsewhere its beat does, which cannot see a flow whose clock is
    ten minutes behind, or that was suspended for as long: should such a run be closed while it is alive, its flow's own
    record corrects that when it ends.
    """
    lock = lock_of(record.id)
    if record.host == platform.node() and Path(lock.lock_file).exists():
        try:
            with lock.acquire(blocking=False):
                return False
        except Timeout:
            return True
    return record.ended is None and now() - record.alive < DEAD_AFTER_S * 1000
