"""What every launcher can do."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from maskfold.launch.entry import FAILURE_MARK, PROGRESS_MARK
from maskfold.launch.monitor import JobProgress
from maskfold.specs import Spec

# As `entry` formats them.
_LOG_LINE = re.compile(r"([IWEC]) [\w.]+: (.*)")
_LEVELS = {"I": logging.INFO, "W": logging.WARNING, "E": logging.ERROR, "C": logging.CRITICAL}


@dataclass
class Watcher:
    """Where a launcher reports to while it waits for a job."""

    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    on_start: Callable[[], None]
    """The job has got its place and begins."""
    on_progress: Callable[[JobProgress], None]
    on_warning: Callable[[str], None] = lambda _: None
    """The job has said something that its user should know."""
    failure: str = ""
    """Why the job ended, in its own words."""

    def line(self, text: str) -> None:
        """Take one line of the job's output."""
        if text.startswith(PROGRESS_MARK):
            values = json.loads(text.removeprefix(PROGRESS_MARK))
            self.on_progress(JobProgress(values.pop("done"), values.pop("total"), values.pop("unit"), values))
        elif text.startswith(FAILURE_MARK):
            self.failure = json.loads(text.removeprefix(FAILURE_MARK))
            self.log.error("%s", self.failure)
        elif text:
            found = _LOG_LINE.match(text)
            level = _LEVELS[found[1]] if found else logging.INFO
            self.log.log(level, "%s", text)
            if found and level == logging.WARNING:
                self.on_warning(found[2])


class Launcher(Protocol):
    """Starts jobs and waits for them. Safe to use from several threads."""

    def run(self, spec: Spec, watcher: Watcher) -> None:
        """Run a job to its end; its outcome then lies in the workspace.

        Raises:
            JobFailedError: The job ended badly; carries its exit code.
            CancelledError: The launcher was cancelled.
        """
        ...

    def cancel(self) -> None:
        """Stop all running jobs and refuse new ones; returns when none runs."""
        ...
