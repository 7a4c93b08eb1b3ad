"""Tracking from inside a job: the curves, sent by a thread of its own so that training never waits."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator

from maskfold.specs import EpochRecord, Tracking
from maskfold.tracking.calls import PENDING, Call, batches, now
from maskfold.tracking.content import curve
from maskfold.tracking.sender import Sender, journal_of

_CLOSING_S = 15.0
"""How long the end of a job waits for the last records."""


class JobRecorder:
    """Takes the epochs of one training; never raises, never waits for a server."""

    def __init__(self, tracking: Tracking | None, log: logging.Logger) -> None:
        self._tracking = tracking
        self._log = log
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._given = 0
        self._sent = 0
        self._thread: threading.Thread | None = None
        # A run that could not be created yet gets its curves from the job's outcome.
        if tracking is not None and not tracking.run_id.startswith(PENDING):
            self._thread = threading.Thread(target=self._send_all, name="mlflow", daemon=True)
            self._thread.start()

    def epoch(self, record: EpochRecord) -> None:
        """Record one epoch as a step of each curve."""
        if self._tracking is None:
            return
        for call in batches(self._tracking.run_id, curve([record]), at=now()):
            self._given += 1
            self._queue.put(call)

    @property
    def unsent(self) -> int:
        """Number of epochs that MLflow has not taken; final once the recorder is closed."""
        return self._given - self._sent

    def close(self) -> None:
        """Wait a little for the last records; what is not sent by then is the flow's to send."""
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(_CLOSING_S)
        if self.unsent:
            self._log.warning("MLflow: %d of %d epochs not sent; the flow sends them later", self.unsent, self._given)

    def _send_all(self) -> None:
        assert self._tracking is not None
        try:
            sender = Sender(self._tracking.uri, journal_of(self._tracking.run_id), self._log)
        except Exception as error:  # noqa: BLE001 - tracking never stops training
            self._log.warning("MLflow: curves are not sent while the job runs: %s", error)
            return
        taken = 0
        while (call := self._queue.get()) is not None:
            sender.send(call)
            taken += 1
            self._count(taken, sender)
        sender.flush()
        self._count(taken, sender)
        sender.close()

    def _count(self, taken: int, sender: Sender) -> None:
        # What an earlier, killed job of the same run left is sent first, so this job's calls are the last that wait.
        self._sent = taken - min(taken, len(sender.backlog))


@contextlib.contextmanager
def job_recorder(tracking: Tracking | None, log: logging.Logger) -> Iterator[JobRecorder]:
    """Record a job's epochs to its MLflow run while the body runs.

    Args:
        tracking: The run, created by the flow; None records nothing.
        log: Gets a warning when MLflow takes nothing.
    """
    recorder = JobRecorder(tracking, log)
    try:
        yield recorder
    finally:
        recorder.close()
