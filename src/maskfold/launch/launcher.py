"""The interface of all launchers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from maskfold.launch.monitor import JobProgress
from maskfold.specs import Outcome, Spec


@dataclass
class Watcher:
    """Receives a launcher's reports while it waits for a job."""

    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    on_start: Callable[[], None]
    """Called when the job has a slot and starts."""
    on_progress: Callable[[JobProgress], None]
    on_warning: Callable[[str], None] = lambda _: None
    """Called with each warning of the job, for the user."""

    def record(self, level: int, text: str) -> None:
        """Forward a log record of the job: ``logger: message``."""
        self.log.log(level, "%s", text)
        if level == logging.WARNING:
            self.on_warning(text.partition(": ")[2])

    def output(self, line: str) -> None:
        """Log a line of the job's standard output or error, where libraries print and Python reports crashes."""
        if line:
            self.log.info("%s", line)


class Launcher(Protocol):
    """Starts jobs and waits for them. Safe to use from several threads."""

    @property
    def places(self) -> int | None:
        """Number of jobs that can run side by side; None if that is decided elsewhere."""
        ...

    def run(self, spec: Spec[Outcome], watcher: Watcher) -> None:
        """Run a job to its end; its outcome is then stored in the workspace.

        Raises:
            JobFailedError: The job failed; carries its exit code.
            CancelledError: The launcher was cancelled.
        """
        ...

    def cancel(self) -> None:
        """Stop all running jobs and reject new ones; return when none runs."""
        ...
