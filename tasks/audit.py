"""Find labels that are probably wrong, and draw the page on which a person decides."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.audit import findings
from maskfold.audit.evidence import Evidence
from maskfold.audit.second import second_table
from maskfold.audit.writing import rows_of, write_corrections
from maskfold.dataset import read_manifest, read_quarantine
from maskfold.dataset.correction_form import form_for
from maskfold.launch import entry
from maskfold.report.publication import packed_faces
from maskfold.report.review import looks_of, review_page
from maskfold.specs import AuditOutcome, AuditSpec


def run(spec: AuditSpec, job: entry.Job) -> AuditOutcome:
    """Audit the out-of-fold table; publish the suspects, and the sure ones as corrections."""
    workspace, vote, data = job.workspace, spec.vote, spec.vote.recipe.dataset
    manifest, scheme = read_manifest(workspace.fetch(vote.prepared.manifest)), vote.recipe.scheme
    oof = pd.read_parquet(workspace.fetch(spec.result.oof))
    if spec.second:
        oof = second_table(oof, spec.second, vote, manifest, workspace.fetch)
    evidence, faces = Evidence.of(oof, manifest, scheme), packed_faces(vote, workspace)
    found = findings.with_duplicates(findings.find_suspects(evidence), *looks_of(manifest, faces, job.progress))
    rows = [findings.row_of(one, scheme) for one in found]
    table, path = findings.suspect_table(rows), job.scratch / "suspects.parquet"
    table.to_parquet(path, index=False)
    given = workspace.fetch(spec.corrections) if spec.corrections else None
    left_out = read_quarantine(workspace.fetch(vote.prepared.quarantine))
    form = form_for(data.reader, scheme, manifest, left_out, given, data.corrections or "")
    said = [rows_of(one, evidence, form) for one in found]
    sure = [one for one, suspect in zip(said, found, strict=True) if one and suspect.grade == "sure"]
    corrections = write_corrections(sure, form) if sure else None
    page = review_page(spec, found, said, evidence, form, faces)
    job.log.info("%d suspects, of which %d are sure", len(rows), sum(one.grade == "sure" for one in rows))
    csv = table[list(findings.COLUMNS)].to_csv(index=False, lineterminator="\n").encode()
    return AuditOutcome(
        csv=workspace.write(f"{job.address}/suspects.csv", csv),
        table=workspace.publish(path, f"{job.address}/suspects.parquet"),
        page=workspace.write(f"{job.address}/review.html", page.encode()),
        corrections=corrections and workspace.write(f"{job.address}/sure.csv", corrections),
        n_suspects=len(rows),
        n_sure=sum(one.grade == "sure" for one in rows),
        n_people=len(evidence.rows_of),
        kinds=findings.kinds(found),
        first=tuple(rows[:20]),
        seconds=job.seconds,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, AuditSpec))
