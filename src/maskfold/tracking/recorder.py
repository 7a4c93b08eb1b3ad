"""Tracking from inside a job: the curves, sent by a thread of its own so that training never waits."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator

from maskfold.specs import EpochRecord, Tracking
from maskfold.tracking.content import CURVE_KEY, curve
from maskfold.tracking.logged import short, steps
from maskfold.tracking.record import now
from maskfold.tracking.store import connect, with_password

_CLOSING_S = 2.0
"""How long the end of a job waits for its last epochs; the flow reads those that are missing from the outcome."""


class JobRecorder:
    """Takes the epochs of one training; never raises, never waits for a server."""

    def __init__(self, tracking: Tracking | None, log: logging.Logger) -> None:
        self._log = log
        self._queue: queue.SimpleQueue[tuple[int, EpochRecord] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, args=(tracking,), name="mlflow", daemon=True)
        self._thread.start()

    def epoch(self, record: EpochRecord) -> None:
        """Record one epoch as a step of each curve."""
        self._queue.put((now(), record))

    def close(self) -> None:
        """Wait a little for the last epochs."""
        self._queue.put(None)
        self._thread.join(_CLOSING_S)

    def _send_all(self, tracking: Tracking | None) -> None:
        try:
            if tracking is not None:
                self._send(tracking)
        except Exception as error:  # noqa: BLE001 - tracking never stops training
            # No warning: the flow gives the one of its run, and records what is missing when the job is done.
            self._log.info("MLflow does not show this job's curves before its end: %s", short(error))

    def _send(self, tracking: Tracking) -> None:
        from mlflow.entities import Metric

        client, run = connect(with_password(tracking.uri)), tracking.run_id
        there = steps(client, run, CURVE_KEY)  # of a killed job that this one continues
        while (item := self._queue.get()) is not None:
            at, record = item
            points = [Metric(name, value, at, step) for name, value, step in curve([record.model_dump()])]
            if points[0].step not in there:
                client.log_batch(run, points)


@contextlib.contextmanager
def job_recorder(tracking: Tracking | None, log: logging.Logger) -> Iterator[JobRecorder]:
    """Show a job's epochs in its MLflow run while the body runs.

    Args:
        tracking: The run, created by the flow; None records nothing.
        log: Gets a line when MLflow takes nothing.
    """
    recorder = JobRecorder(tracking, log)
    try:
        yield recorder
    finally:
        recorder.close()
