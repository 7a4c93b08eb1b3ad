"""What every launcher can do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from maskfold.launch.monitor import JobProgress
from maskfold.specs import Outcome, Spec


@dataclass
class Watcher:
    """Where a launcher reports to while it waits for a job."""

    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    on_start: Callable[[], None]
    """The job has got its place and begins."""
    on_progress: Callable[[JobProgress], None]
    on_warning: Callable[[str], None] = lambda _: None
    """The job has said something that its user should know."""

    def record(self, level: int, text: str) -> None:
        """Take a log record of the job: ``logger: message``."""
        self.log.log(level, "%s", text)
        if level == logging.WARNING:
            self.on_warning(text.partition(": ")[2])

    def output(self, line: str) -> None:
        """Take a line of the job's standard output or error: libraries print there, and Python when it crashes."""
        if line:
            self.log.info("%s", line)


class Launcher(Protocol):
    """Starts jobs and waits for them. Safe to use from several threads."""

    def run(self, spec: Spec[Outcome], watcher: Watcher) -> None:
        """Run a job to its end; its outcome then lies in the workspace.

        Raises:
            JobFailedError: The job ended badly; carries its exit code.
            CancelledError: The launcher was cancelled.
        """
        ...

    def cancel(self) -> None:
        """Stop all running jobs and refuse new ones; returns when none runs."""
        ...
