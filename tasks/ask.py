"""Ask a Gaussian process what a trial of a search tries."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import AskOutcome, AskSpec
from maskfold.study.search import ask_process
from maskfold.study.space import Space


def run(spec: AskSpec, job: entry.Job) -> AskOutcome:
    """Ask."""
    drawn = ask_process(Space(spec.space), spec.history, spec.number, spec.seed)
    return AskOutcome(drawn=drawn, seconds=job.seconds)


if __name__ == "__main__":
    sys.exit(entry.main(run, AskSpec))
