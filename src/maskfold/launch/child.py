"""The start of a job's own process."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from maskfold.errors import InvariantError
from maskfold.launch import entry
from maskfold.launch.reports import Reports
from maskfold.specs import Spec

GRACE_SECONDS = 6.0
"""Time between SIGTERM and SIGKILL; Ctrl-C must end a run within 10 s."""


def run_child(
    workspace: str, stage: str, key: str, environment: dict[str, str], output: Connection, reports: Connection
) -> None:
    """Become the job: own process group, output to the launcher, environment of the slot.

    Args:
        workspace: URI of the workspace that has the job's spec.
        stage: Stage of the job.
        key: Key of its spec.
        environment: Environment variables of the job, in place of the fork server's.
        output: Write end of the pipe for standard output and error.
        reports: Write end of the pipe for progress and log records.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the launcher, which decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the fork server ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    job = importlib.import_module(f"tasks.{stage}")
    spec_type = Spec.of_stage(stage)
    if spec_type is None:
        raise InvariantError(f"there is no spec of the stage {stage!r}, which a launcher has a spec of")
    code = entry.main(job.run, spec_type, [workspace, key], Reports(reports))
    sys.stdout.flush()
    sys.exit(code)


def _end_with_parent() -> None:
    """Stop when the launcher has died, even by SIGKILL, so that no job is orphaned."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)
