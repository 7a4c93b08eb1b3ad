"""Job ``crop``: the packed faces and portraits."""

from __future__ import annotations

from typing import Annotated

from pydantic import NonNegativeFloat

from maskfold.recipe import Crop, OutsideKey, Settings
from maskfold.settings import Count, Probability
from maskfold.specs.address import Mark
from maskfold.specs.prepare import ExternalSource
from maskfold.specs.spec import File, Outcome, Spec


class FaceShares(Settings):
    """How faces were found in a group of photographs."""

    group: str
    """Part of the data set, or a class of its training part."""
    images: Count
    """Photographs, including unreadable ones."""
    detected: Count
    """Faces found in the first pass."""
    retried: Count
    """Faces found in a second, closer pass."""
    fallback: Count
    """Not found; cropped where the data set's faces usually are."""
    unreadable: Count

    @property
    def fallback_share(self) -> float:
        """Share of the photographs without a detected face, unreadable ones included: none of them gets a true crop."""
        return (self.fallback + self.unreadable) / self.images if self.images else 0.0

    def __str__(self) -> str:
        counts = {"detected": self.detected, "retried": self.retried, "fallback": self.fallback}
        parts = ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none found"
        unreadable = f", unreadable {self.unreadable}" if self.unreadable else ""
        lost = f"without a detected face {self.fallback_share:.2%}"
        return f"{self.group}: {self.images} images, {parts}{unreadable}; {lost}"


class TypicalFace(Settings):
    """Where the faces of a data set are, relative to the photograph; see :mod:`maskfold.faces.choice`."""

    centre: tuple[float, float, float]
    """Medians of centre x, centre y (shares of width and height) and log height (share of the height)."""
    spread: tuple[float, float, float]
    """1.4826 x median absolute deviation of the same."""
    box: tuple[float, float, float, float]
    """Median left, top, right, bottom, as shares of width and height."""
    count: Count
    """Number of confident faces that the medians are taken over."""


class CropOutcome(Outcome):
    """The packed images, and how many faces were found."""

    faces: File
    """npy, uint8, (N, height, width, 3), RGB; row i belongs to row i of the index."""
    portraits: File
    """npy, uint8, (N, height, width, 3), RGB: the whole photographs."""
    index: File
    """Parquet: one row per image; see ``maskfold.faces.pack``."""
    n_images: Count
    fallback_share_train: Probability
    """Share of the training images without a detected face."""
    fallback_share_eval: Probability
    face_shares: tuple[FaceShares, ...] = ()
    """Counts by part; parts without photographs are left out."""
    typical_face: TypicalFace | None = None
    """Learnt from the training photographs; None if no face was certain."""
    images_per_second: NonNegativeFloat
    n_outliers: Count = 0
    """Training photographs with the face in another place than in the person's other photographs; see the index."""
    figures: tuple[File, ...] = ()
    """PNG: contact sheets of fallbacks, outliers and a random sample; histograms of box size and probability."""


class CropSpec(Spec[CropOutcome]):
    """Find the faces and pack crops and portraits as uint8 arrays."""

    stage = "crop"
    version = 4
    data: Annotated[str, OutsideKey]
    fingerprint: Annotated[Mark, OutsideKey]
    external: Annotated[tuple[ExternalSource, ...], OutsideKey] = ()
    manifest: Annotated[File, OutsideKey]
    images_version: Mark
    crop: Crop
