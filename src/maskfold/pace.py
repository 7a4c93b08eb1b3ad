"""How much of a run is done, and how long the rest takes.

Before a run each job has an expected time. These times are rough, but their ratios are good; while jobs report how far
they are, the expectations of all jobs like them are scaled to what is seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from maskfold.launch.monitor import JobEvent

TRAININGS: Final = ("train_fold", "train_all")
"""Stages of which several jobs share the machine."""
TELLING: Final = 0.03
"""Share of a job from which on its pace says more than the expectation."""
_USUAL_S: Final = 5.0
"""Seconds of a job that nobody expected."""


@dataclass(frozen=True)
class ExpectedJob:
    """One job of a run."""

    label: str
    state: Literal["done", "to do"] = "to do"
    """``done``: its results are in the workspace."""
    seconds: float = 0.0
    """Expected wall time of a job that is to be done."""

    @property
    def stage(self) -> str:
        """Such as ``train_fold``."""
        return self.label.partition(" ")[0]

    @property
    def kind(self) -> str:
        """What it has in common with jobs of the same pace: stage and network."""
        return " ".join(self.label.split(" ")[:2])


@dataclass
class _Watched:
    expected: ExpectedJob
    began: float | None = None
    share: float = 0.0
    """Of its work that is done, 0..1."""
    took: float | None = None
    """Wall time of a finished job; 0 of a reused one."""

    def scale(self, now: float) -> tuple[float, float] | None:
        """Return the time that it takes in all, as seen so far, and as expected; None if it is too early to tell."""
        if self.took:
            return self.took, self.expected.seconds
        if self.took is None and self.began is not None and self.share >= TELLING:
            return (now - self.began) / self.share, self.expected.seconds
        return None


@dataclass
class Pace:
    """The progress of all jobs of one run.

    Args:
        jobs: What is expected, in order.
        slots: Trainings that run side by side.
        clock: Returns the time in seconds.
    """

    jobs: Sequence[ExpectedJob] = ()
    slots: int = 1
    clock: Callable[[], float] = time.monotonic
    _watched: dict[str, _Watched] = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._watched = {job.label: _Watched(job, took=0.0 if job.state == "done" else None) for job in self.jobs}

    def note(self, event: JobEvent) -> None:
        """Take an event of a job into account; from any thread."""
        with self._lock:
            self._note(event)

    def seconds_left(self) -> float:
        """Return the expected wall time until the end of the run; trainings share the machine."""
        with self._lock:
            return self._seconds_left(self.clock())

    def share(self) -> float:
        """Return the share of the work that is done, 0..1."""
        with self._lock:
            return self._share(self.clock())

    @property
    def n_jobs(self) -> int:
        """Jobs in all."""
        return len(self._watched)

    @property
    def n_done(self) -> int:
        """Jobs that are finished."""
        with self._lock:
            return sum(job.took is not None for job in self._watched.values())

    def _note(self, event: JobEvent) -> None:
        job = self._watched.setdefault(event.label, _Watched(ExpectedJob(event.label, seconds=_USUAL_S)))
        if event.state == "running" and job.began is None:
            job.began = self.clock()
        if event.progress is not None:
            job.share = min(1.0, event.progress.done / max(1, event.progress.total))
        if event.state == "restarting":
            job.began, job.share = None, 0.0
        if event.state == "reused":
            job.took = 0.0
        elif event.state == "done":
            job.took = self.clock() - (job.began if job.began is not None else self.clock())

    def _seconds_left(self, now: float) -> float:
        left = {label: self._left(job, now) for label, job in self._watched.items() if job.took is None}
        trainings = [seconds for label, seconds in left.items() if label.startswith(TRAININGS)]
        others = sum(left.values()) - sum(trainings)
        longest = max(trainings, default=0.0)
        return others + max(longest, sum(trainings) / max(1, self.slots))

    def _share(self, now: float) -> float:
        left = sum(self._left(job, now) for job in self._watched.values() if job.took is None)
        spent = sum(self._spent(job, now) for job in self._watched.values())
        return spent / (spent + left) if spent + left > 0 else 0.0

    def _spent(self, job: _Watched, now: float) -> float:
        if job.took is not None:
            return job.took
        return 0.0 if job.began is None else now - job.began

    def _left(self, job: _Watched, now: float) -> float:
        if job.began is not None and job.share >= TELLING:
            return (now - job.began) * (1 - job.share) / job.share
        return max(0.0, job.expected.seconds * self._scale(job.expected, now) - self._spent(job, now))

    def _scale(self, expected: ExpectedJob, now: float) -> float:
        """Return by how much jobs take longer than expected: those of the same kind, else stage, else all."""
        for alike in (
            lambda job: job.kind == expected.kind,
            lambda job: job.stage == expected.stage,
            lambda job: job.stage not in TRAININGS and expected.stage not in TRAININGS,
        ):
            scale = _ratio(job.scale(now) for job in self._watched.values() if alike(job.expected))
            if scale is not None:
                return scale
        return 1.0


def _ratio(seen: Iterable[tuple[float, float] | None]) -> float | None:
    known = [one for one in seen if one is not None and one[1] > 0]
    return sum(took for took, _ in known) / sum(expected for _, expected in known) if known else None
