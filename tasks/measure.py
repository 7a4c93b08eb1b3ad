"""Train a network for a few steps, to know how long a training takes."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import MeasureOutcome, MeasureSpec
from maskfold.training.stopwatch import measure

SECONDS = 1.5
"""Time of the steps that are measured."""


def run(spec: MeasureSpec, job: entry.Job) -> MeasureOutcome:
    """Measure the network with this job's share of the machine."""
    began = job.seconds
    found = measure(spec.network, spec.classes, spec.size, job.threads, SECONDS, choose=True)
    job.log.info(
        "%s at %d x %d: %.1f images/s in training, %.1f in prediction, %s",
        spec.network.backbone, *spec.size, found.images_per_second, found.predicted_per_second, found.precision,
    )  # fmt: skip
    return MeasureOutcome(
        seconds=job.seconds,
        images_per_second=found.images_per_second,
        predicted_per_second=found.predicted_per_second,
        start=began + found.start,
        parameters=found.parameters,
        amp=found.precision,
        device=found.device,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, MeasureSpec))
