"""Train one network on all folds but one; predict that one."""

from __future__ import annotations

import sys

from maskfold import tracking
from maskfold.launch import entry
from maskfold.specs import TrainFoldOutcome, TrainFoldSpec, TrainOutcome, TrainSpec
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.device import open_device
from maskfold.training.loop import Services
from maskfold.training.session import Session, publish, publish_fold, train


def run(spec: TrainFoldSpec, job: entry.Job) -> TrainFoldOutcome:
    """Train with one fold held out; its score is that of the kept epoch."""
    session, left = trained(spec, spec.fold, job)
    return publish_fold(session, spec.fold, left, job.workspace, job.address, job.scratch)


def trained(spec: TrainSpec[TrainOutcome], fold: int | None, job: entry.Job) -> tuple[Session, TrainOutcome]:
    """Train from the newest checkpoint or from the start; predict; publish.

    Returns:
        The session, and what the outcomes of all trainings share.
    """
    device = open_device(spec.deterministic, job.threads)
    checkpoints = Checkpoints(job.workspace, f"{job.address}/checkpoint", job.scratch, job.log)
    with tracking.job_recorder(spec.tracking, job.log) as recorder, job.graceful_stop():
        services = Services(checkpoints, recorder, lambda: job.stopping, job.progress, spec.checkpoint_seconds)
        session = train(spec, fold, device, job.workspace, job.scratch, services)
    left = publish(session, job.workspace, job.address, job.scratch, lambda: job.seconds)
    job.afterwards.append(checkpoints.delete)
    return session, left


if __name__ == "__main__":
    sys.exit(entry.main(run, TrainFoldSpec))
