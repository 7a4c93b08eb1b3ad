"""Package the trained ensemble as a model that others can use."""

from __future__ import annotations

import sys

from maskfold.inference.packaging import make_package
from maskfold.launch import entry
from maskfold.specs import ExportOutcome, ExportSpec


def run(spec: ExportSpec, job: entry.Job) -> ExportOutcome:
    """Copy the weights, describe the model, write its card."""
    outcome = make_package(spec, job.workspace, lambda: job.seconds)
    job.log.info("%s: %.1f MB, macro-F1 %.3f out-of-fold", outcome.name, outcome.size / 1e6, outcome.macro_f1)
    return outcome


if __name__ == "__main__":
    sys.exit(entry.main(run, ExportSpec))
