"""Job ``look``: how large the faces of a data set are, and how fast this machine cuts them out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from maskfold.recipe import Crop, OutsideKey
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.prepare import ExternalSource
from maskfold.specs.spec import File, Outcome, Spec


class LookOutcome(Outcome):
    """What a sample of the photographs shows."""

    sampled: Count
    """Photographs of the sample."""
    face_height: PositiveFloat
    """Median height of what is cut out, in pixels of the photograph."""
    images_per_second: PositiveFloat
    """Photographs that a job ``crop`` finishes in a second."""
    start: NonNegativeFloat
    """Seconds before its first photograph."""


class LookSpec(Spec[LookOutcome]):
    """Crop a sample twice, the second time more photographs: the difference is their time alone."""

    stage = "look"
    version = 1
    data: Annotated[str, OutsideKey]
    fingerprint: Annotated[Mark, OutsideKey]
    external: Annotated[tuple[ExternalSource, ...], OutsideKey] = ()
    manifest: Annotated[File, OutsideKey]
    images_version: Mark
    eval_version: Mark
    crop: Crop
    machine: str = Field(max_length=200)
    """What computes: a measurement on another machine says nothing about this one."""
