"""Crop a sample of the photographs, to know how long all of them take and how large their faces are."""

from __future__ import annotations

import sys

from maskfold.dataset import read_manifest
from maskfold.faces.sampling import sample_faces
from maskfold.launch import entry
from maskfold.specs import LookOutcome, LookSpec
from maskfold.storage import fetch_external, fetch_tree


def run(spec: LookSpec, job: entry.Job) -> LookOutcome:
    """Crop two samples on the whole machine, as the job ``crop`` does."""
    manifest = read_manifest(job.workspace.fetch(spec.manifest))
    root, external = fetch_tree(spec.data, spec.fingerprint), [table.parent for table in fetch_external(spec.external)]
    began = job.seconds
    found = sample_faces(manifest, root, spec.crop, job.scratch, job.threads, external)
    job.log.info(
        "%d photographs: %.1f images/s, faces %.0f pixels high", found.count, found.images_per_second, found.face_height
    )
    return LookOutcome(
        seconds=job.seconds,
        sampled=found.count,
        face_height=found.face_height,
        images_per_second=found.images_per_second,
        start=began + found.start,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, LookSpec))
