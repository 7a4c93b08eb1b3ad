"""Runs the trainings of `quality.py` that are not done yet, and notes the processor time of each."""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from jobs import run_job

from maskfold.launch import folder
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import Slot, visible_gpus
from maskfold.specs import TrainFoldSpec
from maskfold.storage import Workspace, open_workspace

log = logging.getLogger("quality")

_EVERY = 1.0
"""Seconds between two looks at a job's processor time, which is how much of it is missed at most."""


def train(specs: Sequence[TrainFoldSpec], slots: int) -> None:
    """Run the trainings that have no outcome, in their order.

    Args:
        specs: One for each training.
        slots: How many at a time. On a processor each has one thread; GPUs are shared.

    Raises:
        JobFailedError: If one fails; the others that run then are finished first.
    """
    workspace = open_workspace(specs[0].workspace)
    every = {spec.key: spec for spec in specs}
    missing = [spec for spec in every.values() if folder.find_outcome(workspace, spec) is None]
    log.info("%d of %d trainings are done", len(every) - len(missing), len(every))
    waiting: queue.SimpleQueue[TrainFoldSpec] = queue.SimpleQueue()
    for spec in missing:
        waiting.put(spec)
    failures: list[Exception] = []

    def work(slot: Slot) -> None:
        launcher = LocalLauncher([slot])  # of its own, so that its one process is the job's
        while not failures and not waiting.empty():
            try:
                spec = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                _run(launcher, spec, workspace)
            except Exception as error:  # noqa: BLE001 - raised again below
                failures.append(error)
            log.info("%s; %d wait", spec.label, waiting.qsize())

    threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in _slots(slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def processor_seconds(workspace: Workspace, spec: TrainFoldSpec) -> float:
    """Return the processor time of a training, over all its starts."""
    content = workspace.read(_address(spec))
    return float(json.loads(content)["seconds"]) if content else 0.0


def _address(spec: TrainFoldSpec) -> str:
    return f"quality/processor/{spec.key}.json"


def _slots(count: int) -> list[Slot]:
    gpus = visible_gpus()
    if not gpus:
        return [Slot(threads=1)] * count
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    return [Slot(threads, gpus[number % len(gpus)]) for number in range(count)]


def _run(launcher: LocalLauncher, spec: TrainFoldSpec, workspace: Workspace) -> None:
    before, ended, used = processor_seconds(workspace, spec), threading.Event(), [0.0]

    def note() -> None:
        workspace.write(_address(spec), json.dumps({"seconds": round(before + used[0], 2)}).encode())

    def watch() -> None:
        while not ended.wait(_EVERY):
            for process in launcher.running():
                used[0] = max(used[0], _used_by(process))
            note()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        run_job(launcher, spec)
    finally:
        ended.set()
        watcher.join()
        note()


def _used_by(process: int) -> float:
    """Return the processor time of a process and of its children that ended, in seconds; 0 if it is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    times = text.rpartition(")")[2].split()[11:15]  # user and system time, its own and that of its children
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
