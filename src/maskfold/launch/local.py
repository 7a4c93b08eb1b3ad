"""Runs each job in a child process of this machine, one on each slot."""

from __future__ import annotations

import contextlib
import contextvars
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from maskfold import errors
from maskfold.cores import usable_cores
from maskfold.launch.child import GRACE_SECONDS, run_child
from maskfold.launch.entry import EVENTS_VARIABLE, THREADS_VARIABLE
from maskfold.launch.launcher import Watcher
from maskfold.launch.slots import DEVICES_VARIABLE, Slot, SlotPool, machine_slots, whole_machine
from maskfold.specs import Outcome, Spec

# A job reports to the run that its spec names; these would override it.
_NOT_FOR_JOBS = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")


class LocalLauncher:
    """A fork server that has torch in memory; each job is a child process of its own, isolated and killable."""

    def __init__(self, slots: list[Slot] | None = None) -> None:
        """Make a launcher.

        Args:
            slots: Places for jobs; none shares the whole machine, one slot a core or GPU.
        """
        self._pool = SlotPool(slots or machine_slots(jobs=usable_cores()))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["maskfold.launch.preload"])
        self._running: set[ForkServerProcess] = set()
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def run(self, spec: Spec[Outcome], watcher: Watcher) -> None:
        """Run a job in a child process; see :class:`maskfold.launch.launcher.Launcher`."""
        with self._slot() as slot:
            watcher.on_start()
            code = self._run_child(spec, slot if spec.one_of_many else whole_machine(), watcher)
        if self._cancelled.is_set():
            raise errors.CancelledError(f"{spec.label}: cancelled")
        if code != errors.EXIT_OK:
            raise failure(spec, code, watcher.failure)

    def cancel(self) -> None:
        """Ask all jobs to stop, make those that do not, and wait for them."""
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
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=run_child,
            args=(spec.stage, spec.model_dump_json(), _environment(slot), writer),
            name=spec.label,
        )
        with self._lock:
            if self._cancelled.is_set():
                raise errors.CancelledError(f"{spec.label}: cancelled before it began")
            process.start()
            self._running.add(process)
        writer.close()
        # In a copy of this thread's context, so that log lines and progress are filed under the orchestrator's run.
        context = contextvars.copy_context()
        lines = threading.Thread(target=context.run, args=(_forward, reader, watcher), daemon=True)
        lines.start()
        try:
            process.join()
        finally:
            _signal_group(process, signal.SIGKILL)  # workers that the job may have left behind
            with self._lock:
                self._running.discard(process)
        lines.join(timeout=5)
        code = process.exitcode or 0
        return code if code >= 0 else 128 - code


def failure(spec: Spec[Outcome], code: int, message: str) -> errors.MaskfoldError:
    """Return what to raise for a job that ended with an exit code, and a message of its own if it left one."""
    if not message and code == errors.EXIT_KILLED:
        message = "killed (exit code 137); was the machine out of memory?"
    return errors.JobFailedError(f"{spec.label}: {message or f'ended with exit code {code}'}", code)


def _environment(slot: Slot) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_JOBS}
    environment |= {THREADS_VARIABLE: str(slot.threads), EVENTS_VARIABLE: "1", "PYTHONUNBUFFERED": "1"}
    if slot.device is not None:
        environment[DEVICES_VARIABLE] = slot.device
    return environment


def _forward(reader: Connection, watcher: Watcher) -> None:
    with open(os.dup(reader.fileno()), encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - a descriptor
        reader.close()
        for line in stream:
            watcher.line(line.rstrip("\n"))


def _signal_group(process: ForkServerProcess, signum: signal.Signals) -> None:
    if process.pid is None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already
        os.killpg(process.pid, signum)
