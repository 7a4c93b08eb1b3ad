"""All suspects of a run, and the tables of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from maskfold.audit.doubles import Looks, duplicate_suspects
from maskfold.audit.evidence import Evidence
from maskfold.audit.people import person_suspects
from maskfold.audit.singles import single_suspects
from maskfold.audit.suspect import Change, Suspect, ranked
from maskfold.audit.swaps import swap_suspects
from maskfold.scheme import Scheme
from maskfold.specs import SuspectRow

COLUMNS = ("person", "photographs", "kind", "label", "suggestion", "certainty")
"""Of the csv."""


def find_suspects(evidence: Evidence) -> list[Suspect]:
    """Return all suspects among the labels, the most certain first."""
    swaps = swap_suspects(evidence)
    swapped = {image for one in swaps for image in one.images}
    return ranked([*person_suspects(evidence), *swaps, *single_suspects(evidence, swapped)])


def with_duplicates(
    found: Sequence[Suspect], looks: Looks, images: Sequence[str], people: Sequence[str]
) -> list[Suspect]:
    """Return suspects together with people who are there under two names; see :func:`duplicate_suspects`."""
    return ranked([*found, *duplicate_suspects(looks, images, people)])


def row_of(suspect: Suspect, scheme: Scheme) -> SuspectRow:
    """Return a suspect as a row of tables."""
    return SuspectRow(
        person=suspect.person,
        photographs="; ".join(suspect.images),
        kind=suspect.kind,
        label=_said(suspect, scheme, of_label=True),
        suggestion=_said(suspect, scheme, of_label=False),
        certainty=round(suspect.certainty, 3),
        grade=suspect.grade,
    )


def suspect_table(rows: Sequence[SuspectRow]) -> pd.DataFrame:
    """Return one row a suspect: the columns of the csv, then ``grade``."""
    return pd.DataFrame([one.model_dump() for one in rows], columns=[*COLUMNS, "grade"])


def kinds(found: Sequence[Suspect]) -> dict[str, int]:
    """Count suspects by kind."""
    return dict(sorted(Counter(one.kind for one in found).items()))


def _said(suspect: Suspect, scheme: Scheme, *, of_label: bool) -> str:
    if suspect.kind == "duplicate person":
        return suspect.person if of_label else f"the same as {suspect.other}"

    def text(change: Change) -> str:
        name = scheme[change.attribute].class_names[change.label if of_label else change.suggestion]
        return f"{change.attribute} {name}"

    said = [text(one) for one in suspect.changes]
    if suspect.kind != "attribute of a person":
        return "; ".join(said)
    return "; ".join(dict.fromkeys(said))
