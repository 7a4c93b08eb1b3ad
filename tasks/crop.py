"""Job: find the faces and pack crops and portraits."""

from __future__ import annotations

import sys
from dataclasses import asdict

from maskfold.dataset import images_version, read_manifest, train_rows
from maskfold.faces import Detections, figures, outliers, pack_faces, shares
from maskfold.launch import entry
from maskfold.specs import CropOutcome, CropSpec, TypicalFace
from maskfold.storage import fetch_external, fetch_tree


def run(spec: CropSpec, job: entry.Job) -> CropOutcome:
    """Crop and pack all photographs of the manifest."""
    manifest = read_manifest(job.workspace.fetch(spec.manifest))
    root, external = fetch_tree(spec.data, spec.fingerprint), [table.parent for table in fetch_external(spec.external)]
    began = job.seconds

    def report(done: int, total: int) -> None:
        job.progress(done, total, images_per_second=round(done / (job.seconds - began), 1))

    detections = Detections(job.workspace, images_version(train_rows(manifest)), spec.crop)
    packs = pack_faces(manifest, root, spec.crop, job.scratch, job.threads, report, detections, external)
    images_per_second = int(manifest["readable"].sum()) / (job.seconds - began)
    index = job.scratch / "index.parquet"
    table = packs.index.assign(outlier=outliers(packs.index, manifest))
    table.to_parquet(index, index=False)
    drawn = figures.draw_figures(packs.faces, packs.portraits, table, manifest, job.scratch)

    groups = {group.group: group for group in shares(packs.index)}
    present = tuple(group for group in groups.values() if group.images)
    for group in present:
        job.log.info("%s", group)
    if packs.typical is None:
        job.log.warning("no face was detected with certainty: photographs without a face are packed whole")
    if table["outlier"].any():
        job.log.info("%d faces are in another place than in the person's other photographs", table["outlier"].sum())
    job.log.info("%.1f images/s in %d process(es)", images_per_second, job.threads)
    return CropOutcome(
        faces=job.workspace.publish(packs.faces, f"{job.address}/faces.npy"),
        portraits=job.workspace.publish(packs.portraits, f"{job.address}/portraits.npy"),
        index=job.workspace.publish(index, f"{job.address}/index.parquet"),
        n_images=len(manifest),
        fallback_share_train=groups["train"].fallback_share,
        fallback_share_eval=groups["eval"].fallback_share,
        face_shares=present,
        typical_face=packs.typical and TypicalFace.model_validate(asdict(packs.typical)),
        images_per_second=images_per_second,
        n_outliers=int(table["outlier"].sum()),
        figures=tuple(job.workspace.publish(path, f"{job.address}/{path.name}") for path in drawn),
        seconds=job.seconds,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, CropSpec))
