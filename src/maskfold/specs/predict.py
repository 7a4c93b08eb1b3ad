"""Job ``predict``: the answers of a model for some parts of many photographs."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field, NonNegativeFloat

from maskfold.recipe import OutsideKey, Settings
from maskfold.settings import Count
from maskfold.specs.address import Address, Mark, Sha256
from maskfold.specs.spec import File, Outcome, Spec


class PartDone(Settings):
    """A finished part."""

    file: File
    """Parquet: see ``maskfold.inference.answers``, and ``photograph``, the row in the part's list."""
    photographs: Count
    rows: Count
    """Answers; more than photographs if all faces were asked for."""
    unreadable: Count


class Segment(NamedTuple):
    """Photographs of a result that follow each other in a part."""

    part: int
    first: int
    length: int


class Order(Settings):
    """Where the answers of a result are."""

    parts: tuple[Mark, ...]
    segments: tuple[Segment, ...]


class PredictOutcome(Outcome):
    """How much was done; the answers are in the parts."""

    photographs: Count
    unreadable: Count
    done_before: Count
    """Photographs of parts that an earlier, interrupted job had finished."""
    images_per_second: NonNegativeFloat


class PredictSpec(Spec[PredictOutcome]):
    """Predict the photographs of some parts."""

    stage = "predict"
    version = 1
    one_of_many = True
    model: Annotated[str, OutsideKey]
    """URI of the package."""
    digest: Sha256
    """Of the package."""
    all_faces: bool = False
    root: str
    """URI of the folder that the photographs' places are relative to."""
    folder: Address
    """Of the parts."""
    parts: tuple[Mark, ...]
    number: Annotated[int, OutsideKey, Field(ge=1)] = 1
    """Which of how many jobs this is, for people."""
    of: Annotated[int, OutsideKey, Field(ge=1)] = 1

    @property
    def label(self) -> str:
        return f"predict {self.number}/{self.of}"
