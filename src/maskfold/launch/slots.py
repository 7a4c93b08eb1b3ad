"""Places for jobs on this machine: one per GPU, or, without GPUs, one per processor core."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from maskfold.cores import usable_cores

DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Slot:
    """A place for one job."""

    threads: int
    device: str | None = None
    """Value for CUDA_VISIBLE_DEVICES; None leaves it unchanged."""


def machine_slots(jobs: int) -> list[Slot]:
    """Share this machine among at most ``jobs`` jobs at a time.

    On a processor, one-thread jobs side by side do more work than one job with all threads, so there are as many slots
    as cores, but no more than jobs.
    """
    cores = usable_cores()
    devices = visible_gpus()
    if devices:
        return [Slot(threads=max(1, cores // len(devices)), device=device) for device in devices]
    count = max(1, min(cores, jobs))
    return [Slot(threads=cores // count) for _ in range(count)]


def whole_machine() -> Slot:
    """Return one slot with all cores and all devices."""
    return Slot(threads=usable_cores())


def visible_gpus() -> list[str]:
    """Return the NVIDIA devices that jobs may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get(DEVICES_VARIABLE)
    if chosen is not None:
        return [device.strip() for device in chosen.split(",") if device.strip() not in ("", "-1")]
    return _ask_driver("index")


def gpu_names() -> list[str]:
    """Return the UUIDs of this machine's NVIDIA devices, which are the same in every container."""
    return _ask_driver("uuid")


def _ask_driver(column: str) -> list[str]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    listing = subprocess.run(  # noqa: S603 - a fixed command
        [command, f"--query-gpu={column}", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return listing.stdout.split() if listing.returncode == 0 else []


class SlotPool:
    """Gives out slots, one per job, in the order of the requests."""

    def __init__(self, slots: list[Slot]) -> None:
        self._free = list(slots)
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, stopped: Callable[[], bool]) -> Slot | None:
        """Wait for a free slot; return None if ``stopped`` returns True first."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not (self._free and self._waiting[0] is ticket):
                    if stopped():
                        return None
                    self._changed.wait(timeout=0.2)
                return self._free.pop()
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def give_back(self, slot: Slot) -> None:
        """Return a slot."""
        with self._changed:
            self._free.append(slot)
            self._changed.notify_all()
