"""What a running job reports to its launcher: progress and log records, over a separate pipe.

Each report is one JSON text. What a job or a library prints cannot be mistaken for a report: standard output and error
use another pipe.
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
from maskfold.terminal import PrintableFormatter

_log = logging.getLogger(__name__)


class Reports(logging.Handler):
    """The job's end of the pipe; as a log handler it sends each record with its level."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self.setFormatter(PrintableFormatter("%(name)s: %(message)s"))
        self._pipe = pipe
        self._sending = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log record."""
        try:
            self._send({"level": record.levelno, "text": self.format(record)})
        except Exception:  # noqa: BLE001 - logging handlers must not raise
            self.handleError(record)

    def progress(self, progress: JobProgress) -> None:
        """Send how far the job is."""
        # When the launcher has died, the job is about to be stopped, and goes on until it can save its state.
        with contextlib.suppress(BrokenPipeError):
            self._send(asdict(progress))

    def _send(self, report: dict[str, Any]) -> None:
        with self._sending:
            self._pipe.send_bytes(json.dumps(report).encode())


def receive(
    pipe: Connection, on_progress: Callable[[JobProgress], None], on_record: Callable[[int, str], None]
) -> None:
    """Forward a job's reports until it ends.

    Args:
        pipe: The launcher's end.
        on_progress: Receives progress.
        on_record: Receives a log record: level and text.
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
        except Exception as error:  # noqa: BLE001 - an unread pipe would block the job
            _log.warning("a report of a job is not shown: %s", error)
