"""Train one network on all people."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import TrainAllOutcome, TrainAllSpec
from tasks.train_fold import trained


def run(spec: TrainAllSpec, job: entry.Job) -> TrainAllOutcome:
    """Train with no one held out."""
    _, left = trained(spec, None, job)
    return TrainAllOutcome(**dict(left))


if __name__ == "__main__":
    sys.exit(entry.main(run, TrainAllSpec))
