"""Job: join the answers of all parts to one csv, and say what there is to say about them."""

from __future__ import annotations

import sys

from maskfold.inference.answer_files import join
from maskfold.launch import entry
from maskfold.specs import AnswersOutcome, AnswersSpec


def run(spec: AnswersSpec, job: entry.Job) -> AnswersOutcome:
    """Join, count, compare with the training, score, draw."""
    outcome = join(spec, job.workspace, job.address, job.scratch, job.progress, lambda: job.seconds)
    for warning in outcome.drift.warnings:
        job.log.warning("%s", warning)
    return outcome


if __name__ == "__main__":
    sys.exit(entry.main(run, AnswersSpec))
