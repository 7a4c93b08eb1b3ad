"""Job ``prepare``: scan the data set, leave out what cannot be used, apply corrections, make folds."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.dataset import prepare
from maskfold.launch import entry
from maskfold.specs import File, PrepareOutcome, PrepareSpec
from maskfold.storage import fetch_external, fetch_tree


def run(spec: PrepareSpec, job: entry.Job) -> PrepareOutcome:
    """Publish manifest, folds and quarantine tables."""
    prepared = prepare(
        fetch_tree(spec.data, spec.fingerprint),
        spec.dataset,
        spec.scheme,
        spec.folds,
        corrections=job.workspace.fetch(spec.corrections) if spec.corrections else None,
        threads=job.threads,
        progress=job.progress,
        external=fetch_external(spec.external),
    )
    for warning in prepared.warnings:
        job.log.warning("%s", warning)

    def publish(name: str, table: pd.DataFrame) -> File:
        path = job.scratch / f"{name}.parquet"
        table.to_parquet(path, index=False)
        return job.workspace.publish(path, f"{job.address}/{path.name}")

    return PrepareOutcome(
        seconds=job.seconds,
        manifest=publish("manifest", prepared.manifest),
        folds=publish("folds", prepared.folds),
        quarantine=publish("quarantine", prepared.quarantine),
        dataset_version=prepared.dataset_version,
        images_version=prepared.images_version,
        folds_version=prepared.folds_version,
        learnt_versions=dict(prepared.learnt_versions),
        eval_version=prepared.eval_version,
        n_people=len(prepared.folds),
        n_train=prepared.n_train,
        n_eval=prepared.n_eval,
        n_quarantined=prepared.n_quarantined,
        n_eval_unreadable=prepared.n_eval_unreadable,
        n_corrected=prepared.n_corrected,
        n_external=prepared.n_external,
        n_external_left_out=prepared.n_external_left_out,
        class_counts=prepared.class_counts,
        warnings=prepared.warnings,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, PrepareSpec))
