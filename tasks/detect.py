"""Job: find where faces may be, in a share of the photographs."""

from __future__ import annotations

import sys

from maskfold.dataset import images_version, read_manifest, train_rows
from maskfold.faces import Detections, detect_share
from maskfold.launch import entry
from maskfold.launch.entry import Job
from maskfold.specs import DetectOutcome, DetectSpec
from maskfold.storage import fetch_external, fetch_files


def run(spec: DetectSpec, job: Job) -> DetectOutcome:
    """Look at the photographs of one share; fetch no others."""
    manifest = read_manifest(job.workspace.fetch(spec.manifest))
    external = [table.parent for table in fetch_external(spec.external)]
    detections = Detections(job.workspace, images_version(train_rows(manifest)), spec.crop, (spec.number, spec.of))
    began = job.seconds

    def report(done: int, total: int) -> None:
        job.progress(done, total, images_per_second=round(done / (job.seconds - began), 1))

    count = detect_share(
        manifest,
        lambda names: fetch_files(spec.data, names, job.scratch / "photographs"),
        spec.crop,
        (spec.number, spec.of),
        detections,
        job.threads,
        report,
        external,
    )
    rate = count / (job.seconds - began)
    job.log.info("%d photographs, %.1f images/s in %d process(es)", count, rate, job.threads)
    return DetectOutcome(n_images=count, images_per_second=rate, seconds=job.seconds)


if __name__ == "__main__":
    sys.exit(entry.main(run, DetectSpec))
