"""Train one network on all folds but one; predict that one."""

from __future__ import annotations

import sys
from typing import Any

from maskfold import tracking
from maskfold.errors import InvariantError
from maskfold.launch import entry
from maskfold.specs import TrainFoldOutcome, TrainFoldSpec, TrainOutcome, TrainSpec
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.device import open_device
from maskfold.training.loop import Services
from maskfold.training.session import Session, publish, train


def run(spec: TrainFoldSpec, job: entry.Job) -> TrainFoldOutcome:
    """Train with one fold held out; its score is that of the kept epoch."""
    session, left = trained(spec, spec.fold, job)
    kept = session.fit.kept_record
    if kept.valid_macro_f1 is None or kept.valid_accuracy is None:
        raise InvariantError(f"epoch {kept.epoch + 1} has no score on the held-out fold")
    return TrainFoldOutcome(**left, fold=spec.fold, macro_f1=kept.valid_macro_f1, accuracy=kept.valid_accuracy)


def trained(spec: TrainSpec[TrainOutcome], fold: int | None, job: entry.Job) -> tuple[Session, dict[str, Any]]:
    """Train from the newest checkpoint or from the start; predict; publish.

    Returns:
        The session, and the fields that the outcomes of all trainings share.
    """
    device = open_device(spec.deterministic, job.threads)
    checkpoints = Checkpoints(job.workspace, f"{job.address}/checkpoint", job.scratch, job.log)
    with tracking.job_recorder(spec.tracking, job.log) as recorder, job.graceful_stop():
        services = Services(checkpoints, recorder, lambda: job.stopping, job.progress, spec.checkpoint_seconds)
        session = train(spec, fold, device, job.workspace, job.scratch, services)
    left = publish(session, job.workspace, job.address, job.scratch)
    job.afterwards.append(checkpoints.delete)
    return session, {**left, "seconds": job.seconds}


if __name__ == "__main__":
    sys.exit(entry.main(run, TrainFoldSpec))
