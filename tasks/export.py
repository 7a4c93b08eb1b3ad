"""Package the trained ensemble as a model that others can use."""

from __future__ import annotations

import logging
import sys

from maskfold.inference.packaging import make_package
from maskfold.inference.succession import consider
from maskfold.launch import entry
from maskfold.specs import ExportOutcome, ExportSpec


def run(spec: ExportSpec, job: entry.Job) -> ExportOutcome:
    """Copy the weights, describe the model, write its card; make it the champion if it is the best."""
    outcome = make_package(spec, job.workspace, lambda: job.seconds)
    job.log.info("%s: %.1f MB, macro-F1 %.3f out-of-fold", outcome.name, outcome.size / 1e6, outcome.macro_f1)
    decided, worth_knowing = consider(spec, outcome, job.workspace)
    job.log.log(logging.WARNING if worth_knowing else logging.INFO, "%s", decided)
    return outcome


if __name__ == "__main__":
    sys.exit(entry.main(run, ExportSpec))
