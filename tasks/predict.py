"""Job: predict some parts of many photographs with a model package."""

from __future__ import annotations

import sys

from maskfold.inference.package import OpenPackage
from maskfold.inference.parts import predict_parts
from maskfold.inference.predictor import Predictor
from maskfold.launch import entry
from maskfold.launch.entry import Job
from maskfold.parts import Parts
from maskfold.specs import PartDone, PredictOutcome, PredictSpec


def run(spec: PredictSpec, job: Job) -> PredictOutcome:
    """Predict the parts that no earlier, interrupted job has finished."""
    parts = Parts(job.workspace, spec.folder)
    found = {part: parts.result(part) for part in spec.parts}
    before = [done for done in found.values() if done is not None]
    wanted = [part for part, done in found.items() if done is None]
    total, done_before = _total(parts, wanted, before), sum(one.photographs for one in before)
    finished, count, began = list(before), done_before, job.seconds

    def report(part: PartDone | None, photographs: int) -> None:
        nonlocal count
        count += photographs
        finished.extend([part] if part else [])
        rate = (count - done_before) / max(1e-9, job.seconds - began)
        job.progress(count, total, unit="photographs", images_per_second=round(rate, 1))

    if wanted:
        predictor = Predictor.load(OpenPackage.open(spec.model, spec.digest), spec.all_faces)
        began = job.seconds
        predict_parts(predictor, parts, wanted, spec.root, job.scratch, job.threads, report)
    unreadable = sum(one.unreadable for one in finished)
    if unreadable:
        job.log.warning("%d of %d photographs cannot be read; the answers say why", unreadable, total)
    return PredictOutcome(
        photographs=total,
        unreadable=unreadable,
        done_before=done_before,
        images_per_second=(total - done_before) / max(1e-9, job.seconds - began),
        seconds=job.seconds,
    )


def _total(parts: Parts, wanted: list[str], before: list[PartDone]) -> int:
    return sum(len(parts.photographs(part)) for part in wanted) + sum(one.photographs for one in before)


if __name__ == "__main__":
    sys.exit(entry.main(run, PredictSpec))
