"""Score one trial of a search out-of-fold, and against the recipe as it is."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import ScoreOutcome, ScoreSpec
from maskfold.study.scoring import score_trial


def run(spec: ScoreSpec, job: entry.Job) -> ScoreOutcome:
    """Score the trial."""
    macro_f1, difference = score_trial(spec, job.workspace.fetch)
    if difference is None:
        job.log.info("macro-F1 %.4f", macro_f1)
    else:
        job.log.info("macro-F1 %.4f, %+.4f to the base (sd %.4f)", macro_f1, difference.mean, difference.error)
    return ScoreOutcome(
        macro_f1=macro_f1,
        difference=None if difference is None else difference.mean,
        error=None if difference is None else difference.error,
        seconds=job.seconds,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, ScoreSpec))
