"""Suspects as corrections, in the form that ``dataset.corrections`` takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from maskfold.audit.evidence import Evidence
from maskfold.audit.suspect import Suspect
from maskfold.dataset.correction_form import Cells, CorrectionForm, Relabelled


def rows_of(suspect: Suspect, evidence: Evidence, form: CorrectionForm) -> Mapping[str, Cells] | None:
    """Return what a corrections file has to say to follow a suggestion; None if it cannot say it."""
    names = dict(zip(evidence.images, evidence.names, strict=True))
    changes = [Relabelled(names[one.image], one.attribute, one.label, one.suggestion) for one in suspect.changes]
    return form.rows(suspect.person, changes) if changes else None


def write_corrections(accepted: Iterable[Mapping[str, Cells]], form: CorrectionForm) -> bytes | None:
    """Write a corrections file: those that the run had already, and the accepted ones on top of them.

    Args:
        accepted: What to write of each accepted suspect. Of two that contradict each other the first one counts, and
            cells with a number that only a person can say are left out.
        form: Of the data set.

    Returns:
        The csv; None if nothing is corrected.
    """
    cells = {who: dict(row) for who, row in form.earlier.items()}
    settled: set[tuple[str, str]] = set()
    for rows in accepted:
        said = {(who, column): text for who, row in rows.items() for column, text in row.items() if text is not None}
        if settled & said.keys():
            continue
        settled |= said.keys()
        for (who, column), text in said.items():
            cells.setdefault(who, {})[column] = text
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((form.key, *form.columns))
    corrected = [(who, row) for who, row in sorted(cells.items()) if any(row.values())]
    writer.writerows((who, *(row.get(column, "") for column in form.columns)) for who, row in corrected)
    return stream.getvalue().encode() if corrected else None
