"""Job ``export``: the trained ensemble as a model package."""

from __future__ import annotations

from typing import Annotated

from pydantic import PositiveFloat

from maskfold.recipe import OutsideKey
from maskfold.specs.address import Mark, Sha256
from maskfold.specs.ensemble import EnsembleOutcome, EnsembleSpec
from maskfold.specs.model import MODEL_FILE, MODELS
from maskfold.specs.spec import File, Outcome, Spec


class ExportOutcome(Outcome):
    """The package."""

    name: str
    """Name of the model in registries."""
    model: File
    """``model.json``; its sha256 is the digest of the whole package."""
    digest: Sha256
    card: File
    """Model card, markdown."""
    size: int
    """Bytes of all files."""
    temperature: PositiveFloat
    macro_f1: float
    """Of the vote, out-of-fold."""


class ExportSpec(Spec[ExportOutcome]):
    """Package the networks of a finished vote."""

    stage = "export"
    version = 1
    ensemble_key: Mark
    """Key of the vote; it determines networks, weights and scores."""
    vote: Annotated[EnsembleSpec, OutsideKey]
    result: Annotated[EnsembleOutcome, OutsideKey]

    @property
    def folder(self) -> str:
        """Address of the package."""
        return package_folder(self.key)


def package_folder(key: str) -> str:
    """Return the address of the package that the export job of this key makes."""
    return f"{MODELS}/{key}"


def package_file(key: str) -> str:
    """Return the address of its description."""
    return f"{package_folder(key)}/{MODEL_FILE}"
