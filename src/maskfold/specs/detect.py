"""Job ``detect``: where faces may be, in a share of the photographs; ``crop`` then only chooses and packs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from maskfold.recipe import Crop, OutsideKey
from maskfold.settings import Count
from maskfold.specs.address import Mark
from maskfold.specs.prepare import ExternalSource
from maskfold.specs.spec import File, Outcome, Spec


class DetectOutcome(Outcome):
    """How much was done; the detections are in the workspace's store of detections."""

    n_images: Count
    """Photographs of this share."""
    images_per_second: NonNegativeFloat


class DetectSpec(Spec[DetectOutcome]):
    """Take the first look at a share of the photographs."""

    stage = "detect"
    version = 1
    one_of_many = True
    data: Annotated[str, OutsideKey]
    fingerprint: Annotated[Mark, OutsideKey]
    external: Annotated[tuple[ExternalSource, ...], OutsideKey] = ()
    manifest: Annotated[File, OutsideKey]
    images_version: Mark
    eval_version: Mark
    crop: Crop
    number: Annotated[int, Field(ge=1)]
    """Which share, from 1."""
    of: Annotated[int, Field(ge=1)]
    """How many shares there are."""

    @property
    def label(self) -> str:
        return f"detect {self.number}/{self.of}"
