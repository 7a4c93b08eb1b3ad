"""Runs each job in a child process of this machine, one on each slot."""

from __future__ import annotations

import contextlib
import contextvars
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from maskfold import errors
from maskfold.cores import usable_cores
from maskfold.launch import folder
from maskfold.launch.child import GRACE_SECONDS, run_child
from maskfold.launch.entry import THREADS_VARIABLE
from maskfold.launch.launcher import Watcher
from maskfold.launch.reports import receive
from maskfold.launch.slots import DEVICES_VARIABLE, Slot, SlotPool, machine_slots, whole_machine
from maskfold.sockets import shorten_socket_paths
from maskfold.specs import Failure, Outcome, Spec
from maskfold.storage import Workspace

# A job reports to the run that its spec names; these would override it.
_NOT_FOR_JOBS = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")

_LOST = 255
"""What multiprocessing reports of a process that died with its fork server; no job exits with it."""


class LocalLauncher:
    """Runs each job in its own child process, forked from a server that has torch in memory."""

    def __init__(self, slots: list[Slot] | None = None) -> None:
        """Make a launcher.

        Args:
            slots: Places for jobs; None divides the whole machine, one slot per core or GPU.
        """
        slots = slots or machine_slots(jobs=usable_cores())
        self.places = len(slots)
        self._pool = SlotPool(slots)
        shorten_socket_paths()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["maskfold.launch.preload"])
        self._running: set[ForkServerProcess] = set()
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def run(self, spec: Spec[Outcome], watcher: Watcher) -> None:
        """Run a job in a child process; see :class:`maskfold.launch.launcher.Launcher`."""
        with self._slot() as slot:
            workspace = folder.post(spec)
            watcher.on_start()
            code = self._run_child(spec, slot if spec.one_of_many else whole_machine(), watcher)
        if self._cancelled.is_set():
            raise errors.CancelledError(f"{spec.label}: cancelled")
        if code != errors.EXIT_OK:
            raise errors.JobFailedError(f"{spec.label}: {_failure(workspace, spec.address, code).message}", code)

    def cancel(self) -> None:
        """Send SIGTERM to all jobs, then SIGKILL to those that do not stop, and wait for them."""
        self._cancelled.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGTERM)
        for process in running:
            process.join(GRACE_SECONDS)
            _signal_group(process, signal.SIGKILL)
            process.join()

    def running(self) -> list[int]:
        """Return the process ids of the jobs that run now."""
        with self._lock:
            return [process.pid for process in self._running if process.pid is not None]

    @contextlib.contextmanager
    def _slot(self) -> Iterator[Slot]:
        slot = self._pool.take(self._cancelled.is_set)
        if slot is None:
            raise errors.CancelledError("cancelled before the job began")
        try:
            yield slot
        finally:
            self._pool.give_back(slot)

    def _run_child(self, spec: Spec[Outcome], slot: Slot, watcher: Watcher) -> int:
        output, printed = self._context.Pipe(duplex=False)
        reports, reported = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=run_child,
            args=(spec.workspace, spec.stage, spec.key, _environment(slot), printed, reported),
            name=spec.label,
        )
        with self._lock:
            if self._cancelled.is_set():
                raise errors.CancelledError(f"{spec.label}: cancelled before it began")
            process.start()
            self._running.add(process)
        printed.close()
        reported.close()
        readers = [
            _reader(_forward, output, watcher),
            _reader(receive, reports, watcher.on_progress, watcher.record),
        ]
        try:
            process.join()
        finally:
            _signal_group(process, signal.SIGKILL)  # workers that the job may have left behind
            with self._lock:
                self._running.discard(process)
        for reader in readers:
            reader.join(timeout=5)
        code = process.exitcode or 0
        if code == _LOST:
            return errors.EXIT_KILLED
        return code if code >= 0 else 128 - code


def _failure(workspace: Workspace, address: str, code: int) -> Failure:
    """Return why a job failed; write the failure of a job that could not do so, such as a killed one."""
    left = folder.find_failure(workspace, address)
    if left is not None and left.exit_code == code:
        return left
    message = f"the process died without reporting why (exit code {code})"
    if code == errors.EXIT_KILLED:
        message = "killed (exit code 137); was the machine out of memory?"
    failure = Failure.of(errors.JobFailedError(message, code))
    folder.write_failure(workspace, address, failure)
    return failure


def _environment(slot: Slot) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_JOBS}
    environment |= {THREADS_VARIABLE: str(slot.threads), "PYTHONUNBUFFERED": "1"}
    if slot.device is not None:
        environment[DEVICES_VARIABLE] = slot.device
    return environment


def _reader(read: Callable[..., None], *arguments: object) -> threading.Thread:
    """Read a pipe in a thread with a copy of this context, so that reports belong to the orchestrator's run."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(read, *arguments), daemon=True)
    thread.start()
    return thread


def _forward(pipe: Connection, watcher: Watcher) -> None:
    with open(os.dup(pipe.fileno()), encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - a descriptor
        pipe.close()
        for line in stream:
            watcher.output(line.rstrip("\n"))


def _signal_group(process: ForkServerProcess, signum: signal.Signals) -> None:
    if process.pid is None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # already gone
        os.killpg(process.pid, signum)
