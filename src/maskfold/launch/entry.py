"""The life of one job inside its own process: spec in, outcome published, exit code out."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar

from pydantic import ValidationError

from maskfold import errors
from maskfold.cores import usable_cores
from maskfold.launch.scratch import scratch_folder
from maskfold.specs import OUTCOME_FILE, Outcome, Spec
from maskfold.storage import Workspace, alone, open_workspace
from maskfold.storage.faults import FULL

PROGRESS_MARK = "::progress "
"""Begins a line of standard output that is progress for the launcher, not a log line for people."""
FAILURE_MARK = "::failure "
"""Begins a line of standard output that says, in one message, why the job ended."""
EVENTS_VARIABLE = "MASKFOLD_EVENTS"
"""Set by a launcher that reads progress lines."""
THREADS_VARIABLE = "MASKFOLD_THREADS"
"""How many processor threads the job may use; unset means all."""

SpecT = TypeVar("SpecT", bound="Spec[Outcome]")
OutcomeT = TypeVar("OutcomeT", bound=Outcome)


@dataclass
class Job:
    """What a running job may use besides its spec."""

    workspace: Workspace
    address: str
    """Folder of this job's outputs, relative to the workspace."""
    scratch: Path
    """An empty local folder that is deleted at the end."""
    log: logging.Logger
    threads: int
    started: float = field(default_factory=time.monotonic)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """Called when the outcome is published: to delete what is only needed until then."""
    stopping: bool = False
    """Somebody asked the job to stop; only changes inside :meth:`graceful_stop`."""
    _graceful: bool = False
    _last_progress: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time since the job began."""
        return time.monotonic() - self.started

    def progress(self, done: int, total: int, unit: str = "images", **fields: float | int | str) -> None:
        """Say how far the job is; calls may be as frequent as convenient, few are shown.

        Args:
            done: Units done.
            total: Units in all.
            unit: What is counted.
            **fields: More to show, such as ``epoch=2, images_s=143.0``.
        """
        now = time.monotonic()
        events = EVENTS_VARIABLE in os.environ
        if now - self._last_progress < (0.5 if events else 5.0) and done < total:
            return
        self._last_progress = now
        if events:
            print(PROGRESS_MARK + json.dumps({"done": done, "total": total, "unit": unit, **fields}), flush=True)
        else:
            more = "".join(f", {name} {value}" for name, value in fields.items())
            self.log.info("%d/%d %s%s", done, total, unit, more)

    @contextlib.contextmanager
    def graceful_stop(self) -> Iterator[None]:
        """Inside, SIGTERM only sets :attr:`stopping`: the job saves its state and raises ``CancelledError`` itself."""
        self._graceful = True
        try:
            yield
        finally:
            self._graceful = False

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self._graceful and not self.stopping:
            self.stopping = True
            return
        raise errors.CancelledError(f"stopped by {signal.Signals(signum).name}")


def main(run: Callable[[SpecT, Job], OutcomeT], spec_type: type[SpecT], argv: list[str] | None = None) -> int:
    """Run a job from the command line: ``python -m tasks.NAME SPEC``.

    Args:
        run: The job.
        spec_type: Its spec.
        argv: One argument: the spec as JSON, or the path of a JSON file.

    Returns:
        The exit code: 0 done (or done before); 1, 2, 75, 143 as :mod:`maskfold.errors` says.
    """
    arguments = sys.argv[1:] if argv is None else argv
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(levelname).1s %(name)s: %(message)s", force=True
    )
    log = logging.getLogger(f"maskfold.{spec_type.stage}")
    try:
        if len(arguments) != 1:
            raise errors.InputError(f"usage: python -m tasks.{spec_type.stage} SPEC (a JSON file, or JSON itself)")
        run_spec(run, read_spec(spec_type, arguments[0]), log)
    except errors.MaskfoldError as error:
        return _fail(log, str(error), error.exit_code)
    except Exception as error:
        log.exception("a fault of ours or of the machine")
        return _fail(log, f"{type(error).__name__}: {error}", errors.EXIT_FAULT)
    return errors.EXIT_OK


def _fail(log: logging.Logger, message: str, code: int) -> int:
    if EVENTS_VARIABLE in os.environ:
        print(FAILURE_MARK + json.dumps(message), flush=True)
    else:
        log.error("%s", message)
    return code


def read_spec(spec_type: type[SpecT], argument: str) -> SpecT:
    """Read a spec from JSON text or from a JSON file.

    Raises:
        InputError: If the file is missing or the JSON is no such spec.
    """
    try:
        text = argument if argument.lstrip().startswith("{") else Path(argument).read_text(encoding="utf-8")
        return spec_type.model_validate_json(text)
    except OSError as error:
        raise errors.InputError(f"spec {argument}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise errors.InputError(f"spec for {spec_type.stage} is not valid: {error}") from None


def run_spec(run: Callable[[SpecT, Job], OutcomeT], spec: SpecT, log: logging.Logger) -> Outcome:
    """Run a job unless its outcome is there already; publish the outcome last.

    When another run on this machine is at the same job, this one waits for it and takes its outcome.

    Raises:
        MaskfoldError: As the job does.
    """
    workspace = open_workspace(spec.workspace)
    with alone(workspace.locate(spec.address)):
        done = find_outcome(workspace, spec)
        if done is not None:
            log.info("%s: finished before, nothing to do", spec.label)
            return done
        return _run_now(run, spec, workspace, log)


def _run_now(run: Callable[[SpecT, Job], OutcomeT], spec: SpecT, workspace: Workspace, log: logging.Logger) -> Outcome:
    with scratch_folder(spec.stage) as scratch:
        job = Job(
            workspace=workspace,
            address=spec.address,
            scratch=scratch,
            log=log,
            threads=int(os.environ.get(THREADS_VARIABLE) or usable_cores()),
        )
        previous = signal.signal(signal.SIGTERM, job._on_signal)
        try:
            outcome = _translated(run, spec, job)
            workspace.write(f"{spec.address}/spec.json", spec.model_dump_json(indent=1).encode())
            workspace.write(f"{spec.address}/{OUTCOME_FILE}", outcome.model_dump_json(indent=1).encode())
            for tidy in job.afterwards:
                tidy()
        finally:
            signal.signal(signal.SIGTERM, previous)
    return outcome


def _translated(run: Callable[[SpecT, Job], OutcomeT], spec: SpecT, job: Job) -> OutcomeT:
    try:
        return run(spec, job)
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = error.filename or tempfile.gettempdir()
        raise errors.MaskfoldError(
            f"cannot write {where}: the disk is full; free some space, or let TMPDIR name a folder with more, "
            "and run again"
        ) from error


def find_outcome(workspace: Workspace, spec: Spec[OutcomeT]) -> OutcomeT | None:
    """Return a job's outcome when it is finished, else None."""
    content = workspace.read(f"{spec.address}/{OUTCOME_FILE}")
    if content is None:
        return None
    try:
        return spec.outcome_type().model_validate_json(content)
    except ValidationError:
        raise errors.CorruptDataError(
            f"{workspace.locate(spec.address)}/{OUTCOME_FILE} is damaged; delete that folder and run again"
        ) from None
