"""Jobs run by the local launcher, without anything on the screen."""

from __future__ import annotations

import logging

from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.monitor import JobProgress
from maskfold.specs import Outcome, Spec

log = logging.getLogger("bench")


def run_job(launcher: LocalLauncher, spec: Spec[Outcome]) -> None:
    """Run a job to its end; raise if it fails."""
    launcher.run(spec, Watcher(log, on_start=_started, on_progress=_progressed))


def _started() -> None:
    """Show nothing."""


def _progressed(progress: JobProgress) -> None:
    """Show nothing."""
