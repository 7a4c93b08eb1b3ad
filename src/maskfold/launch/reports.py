"""What a running job reports to its launcher: progress and log records, on a pipe of their own.

Each report is one JSON text. Nothing that a job or a library prints can be taken for one: standard output and error
have another pipe.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from maskfold.launch.monitor import JobProgress

_log = logging.getLogger(__name__)


class Reports(logging.Handler):
    """The job's end of the pipe; as a log handler it sends each record with its level."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self._pipe = pipe
        self._sending = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log record."""
        try:
            self._send({"level": record.levelno, "text": self.format(record)})
        except Exception:  # noqa: BLE001 - as logging asks of handlers
            self.handleError(record)

    def progress(self, progress: JobProgress) -> None:
        """Send how far the job is."""
        # A launcher that is gone stops its jobs; until then they go on to where their state can be saved.
        with contextlib.suppress(BrokenPipeError):
            self._send(asdict(progress))

    def _send(self, report: dict[str, Any]) -> None:
        with self._sending:
            self._pipe.send_bytes(json.dumps(report).encode())


def receive(
    pipe: Connection, on_progress: Callable[[JobProgress], None], on_record: Callable[[int, str], None]
) -> None:
    """Pass a job's reports on until the job has ended.

    Args:
        pipe: The launcher's end.
        on_progress: Takes progress.
        on_record: Takes a log record: level and text.
    """
    while True:
        try:
            report = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):  # the job has ended, perhaps in the middle of a report
            return
        try:
            if "level" in report:
                on_record(report["level"], report["text"])
            else:
                on_progress(JobProgress(**report))
        except Exception as error:  # noqa: BLE001 - a full pipe would hold the job up
            _log.warning("a report of a job is not shown: %s", error)
