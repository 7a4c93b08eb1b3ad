"""One job inside its own process: reads the spec, publishes the outcome, returns the exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TypeVar, cast

from pydantic import ValidationError

from maskfold import errors
from maskfold.cores import usable_cores
from maskfold.home import keep_caches_of_libraries
from maskfold.launch import folder
from maskfold.launch.monitor import JobProgress
from maskfold.launch.reports import Reports
from maskfold.launch.scratch import scratch_folder
from maskfold.loopback import never_proxy_loopback
from maskfold.redaction import redact_logs
from maskfold.specs import Failure, Outcome, Spec
from maskfold.storage import Workspace, alone, open_workspace, read_regular
from maskfold.storage.faults import FULL
from maskfold.terminal import LineFormatter

THREADS_VARIABLE = "MASKFOLD_THREADS"
"""Number of processor threads that the job may use; unset means all."""

_NO_SPACE = 1 << 20
"""Bytes; a disk with less free space is full."""

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
    reports: Reports | None = None
    """Receives progress; None writes progress to the log."""
    started: float = field(default_factory=time.monotonic)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """Called after the outcome is published, to delete what was only needed until then."""
    stopping: bool = False
    """A stop was requested; set only inside :meth:`graceful_stop`."""
    _graceful: bool = False
    _last_progress: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time since the job began."""
        return time.monotonic() - self.started

    def progress(self, done: int, total: int, unit: str = "images", **fields: float | int | str) -> None:
        """Report how far the job is. Frequent calls are cheap: only some are shown.

        Args:
            done: Units done.
            total: Units in all.
            unit: What is counted.
            **fields: Further values to show, such as ``epoch=2, images_per_second=143.0``.
        """
        now = time.monotonic()
        if now - self._last_progress < (5.0 if self.reports is None else 0.5) and done < total:
            return
        self._last_progress = now
        if self.reports is not None:
            self.reports.progress(JobProgress(done, total, unit, fields))
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


def main(
    run: Callable[[SpecT, Job], Outcome],
    spec_type: type[SpecT],
    argv: list[str] | None = None,
    reports: Reports | None = None,
) -> int:
    """Run a job from the command line: ``python -m tasks.NAME SPEC`` or ``python -m tasks.NAME WORKSPACE KEY``.

    A job that fails writes ``failure.json`` beside its spec.

    Args:
        run: The job.
        spec_type: Its spec.
        argv: The spec as JSON, or the path of a JSON file; or the URI of the workspace that has the spec, and its key.
        reports: Receives log records and progress; None writes them to standard output.

    Returns:
        The exit code: 0 if the job is done, now or by an earlier run; else 1, 2, 75 or 143, see :mod:`maskfold.errors`.
    """
    never_proxy_loopback()
    keep_caches_of_libraries()
    redact_logs()
    _log_to(reports)
    log = logging.getLogger(f"maskfold.{spec_type.stage}")
    spec: SpecT | None = None
    try:
        spec = _read_spec(spec_type, sys.argv[1:] if argv is None else argv)
        run_spec(run, spec, log, reports)
    except errors.MaskfoldError as error:
        failure = Failure.of(error)
    except Exception as error:
        log.exception("internal error")
        failure = Failure.of(error)
    else:
        return errors.EXIT_OK
    log.error("%s", failure.message)
    if spec is not None:
        _leave(failure, spec, log)
    return failure.exit_code


def _log_to(reports: Reports | None) -> None:
    shown = logging.StreamHandler(sys.stdout)
    shown.setFormatter(LineFormatter("%(levelname).1s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[reports or shown], force=True)


def _leave(failure: Failure, spec: Spec[Outcome], log: logging.Logger) -> None:
    try:
        folder.write_failure(open_workspace(spec.workspace), spec.address, failure)
    except errors.MaskfoldError as error:
        log.warning("cannot write %s/failure.json to the workspace: %s", spec.address, error)


def _read_spec(spec_type: type[SpecT], arguments: list[str]) -> SpecT:
    """Read a spec from JSON text, from a JSON file, or from a workspace.

    Raises:
        InputError: If the file is missing or the JSON is not a valid spec of this stage.
    """
    match arguments:
        case [workspace, key]:
            return cast("SpecT", folder.read_spec(workspace, spec_type.stage, key))
        case [argument]:
            spec = _parse(spec_type, argument)
            folder.post(spec)
            return spec
    raise errors.InputError(
        f"usage: python -m tasks.{spec_type.stage} SPEC (a JSON file, or JSON itself), or WORKSPACE KEY"
    )


def _parse(spec_type: type[SpecT], argument: str) -> SpecT:
    try:
        given = argument.lstrip().startswith("{")
        return spec_type.model_validate_json(argument if given else read_regular(Path(argument)))
    except OSError as error:
        raise errors.InputError(f"spec {argument}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise errors.InputError(f"spec for {spec_type.stage} is not valid: {error}") from None


def run_spec(
    run: Callable[[SpecT, Job], OutcomeT], spec: SpecT, log: logging.Logger, reports: Reports | None = None
) -> OutcomeT:
    """Run a job unless its outcome exists; publish the outcome last.

    When another run on this machine works on the same job, this one waits and uses its outcome.

    Raises:
        MaskfoldError: If the job fails.
    """
    workspace = open_workspace(spec.workspace)
    with alone(workspace.locate(spec.address)):
        done = folder.find_outcome(workspace, spec)
        if done is not None:
            log.info("%s: finished before, nothing to do", spec.label)
            return cast("OutcomeT", done)
        folder.write_spec(workspace, spec)
        return _run_now(run, spec, workspace, log, reports)


def _run_now(
    run: Callable[[SpecT, Job], OutcomeT],
    spec: SpecT,
    workspace: Workspace,
    log: logging.Logger,
    reports: Reports | None,
) -> OutcomeT:
    with scratch_folder(spec.stage) as scratch:
        job = Job(
            workspace=workspace,
            address=spec.address,
            scratch=scratch,
            log=log,
            reports=reports,
            threads=int(os.environ.get(THREADS_VARIABLE) or usable_cores()),
        )
        previous = signal.signal(signal.SIGTERM, job._on_signal)
        try:
            outcome = _translated(run, spec, job)
            folder.write_outcome(workspace, spec, outcome)
            for tidy in job.afterwards:
                tidy()
        finally:
            signal.signal(signal.SIGTERM, previous)
    return outcome


def _translated(run: Callable[[SpecT, Job], OutcomeT], spec: SpecT, job: Job) -> OutcomeT:
    try:
        return run(spec, job)
    except errors.MaskfoldError:
        raise
    except Exception as error:
        where = _full_disk(error, job.scratch)
        if where is None:
            raise
        raise errors.MaskfoldError(
            f"cannot write {where}: the disk is full; free some space, or set TMPDIR to a folder with more space, "
            "and run again"
        ) from error


def _full_disk(error: BaseException | None, scratch: Path) -> str | None:
    """Return what could not be written if an error comes from a full disk.

    Libraries in C++ and Rust raise errors of their own, so the disk is looked at, too.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return str(error.filename or tempfile.gettempdir())
        error = error.__cause__ or error.__context__
    return tempfile.gettempdir() if shutil.disk_usage(scratch).free < _NO_SPACE else None
