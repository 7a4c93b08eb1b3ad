"""Job ``audit``: labels that are probably wrong, and the page on which a person decides."""

from __future__ import annotations

from typing import Annotated

from maskfold.recipe import OutsideKey, Settings
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.compare import Trial
from maskfold.specs.ensemble import EnsembleOutcome, EnsembleSpec
from maskfold.specs.spec import File, Outcome, Spec


class SuspectRow(Settings):
    """One suspicion, for tables."""

    person: str
    photographs: str
    """Paths in the data set, separated by blanks."""
    kind: str
    label: str
    suggestion: str
    certainty: float
    """Nats."""
    grade: str
    """``sure``, ``likely`` or ``weak``."""


class AuditOutcome(Outcome):
    """The suspects."""

    csv: File
    table: File
    """Parquet: the same."""
    page: File
    """HTML, on which a person decides."""
    corrections: File | None
    """CSV: the sure ones as corrections, with those that the run had already; None where there are none."""
    n_suspects: Count
    n_sure: Count
    n_people: Count
    """People of the data set."""
    kinds: dict[str, Count]
    """How many suspects of each kind."""
    first: tuple[SuspectRow, ...]
    """The most certain ones."""


class AuditSpec(Spec[AuditOutcome]):
    """Audit the labels of a finished run; nothing is trained."""

    stage = "audit"
    version = 1
    ensemble_key: Mark
    """Of the run's vote; it determines labels and probabilities."""
    run: Annotated[str, OutsideKey]
    """Name of the run, for people."""
    vote: Annotated[EnsembleSpec, OutsideKey]
    result: Annotated[EnsembleOutcome, OutsideKey]
    corrections: File | None = None
    """The corrections that the run had already, in the workspace."""
    second: Annotated[Trial | None, OutsideKey] = None
    """Networks that were trained without what the first round is sure of; their probabilities are audited."""
    second_keys: tuple[Mark, ...] = ()
    """Their keys."""

    @property
    def label(self) -> str:
        return "audit, second round" if self.second else "audit"
