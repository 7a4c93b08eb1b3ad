"""Select voters by log-loss, and say whether that is better than the plain vote on people it has not seen."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import SelectOutcome, SelectSpec
from maskfold.study.scoring import vote_of
from maskfold.study.selection import select


def run(spec: SelectSpec, job: entry.Job) -> SelectOutcome:
    """Select, judge, and name the weights to vote with."""
    voted = vote_of(spec.trial, spec.prepared, job.workspace.fetch)
    voters = {one.name: one.oof for one in voted.joint_voters}
    found = select(voted.train["person"], voted.vote.true, voters, spec.trial.recipe.ensemble.weights)
    job.log.info(
        "selected voters: macro-F1 %+.4f (sd %.4f) to the plain vote on other people, log-loss %.4f and %.4f: %s",
        found.gain, found.error, found.log_loss_selected, found.log_loss, "adopted" if found.adopted else "not adopted",
    )  # fmt: skip
    return SelectOutcome(
        seconds=job.seconds,
        gain=found.gain,
        error=found.error,
        log_loss=found.log_loss,
        log_loss_selected=found.log_loss_selected,
        adopted=found.adopted,
        weights=found.weights if found.adopted else {},
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, SelectSpec))
