"""Job ``prepare``: the tables that describe the data set."""

from __future__ import annotations

from typing import Annotated, Any

from maskfold.recipe import Dataset, Folds, OutsideKey, Settings
from maskfold.scheme import Scheme
from maskfold.settings import Count
from maskfold.specs.address import FileName, Mark
from maskfold.specs.spec import File, Outcome, Spec


class ExternalSource(Settings):
    """Where an external table and its images are stored, and a digest of their state."""

    folder: str
    """URI of the folder that holds the table and, at any depth, its images."""
    table: FileName
    """Name of the csv or parquet file in that folder."""
    fingerprint: Mark
    """Digest of the folder's listing: names, sizes, modification times."""


class PrepareOutcome(Outcome):
    """The tables that describe the data set, and what they count."""

    manifest: File
    """Parquet, one row per usable image, per evaluation image and per usable external image; see
    ``maskfold.dataset.manifest``."""
    folds: File
    """Parquet: person, fold."""
    quarantine: File
    """Parquet: everything left out or noted, with reasons."""
    dataset_version: Mark
    """Digest of the manifest's content."""
    images_version: Mark
    """Digest of the images only; it does not depend on the labels."""
    eval_version: Mark
    """Digest of the evaluation images and their order."""
    learnt_versions: dict[str, Mark]
    """Digests of the images and labels that a network learns from, by the labels that it uses; see
    :func:`maskfold.dataset.versions.learnt_versions`."""
    folds_version: Mark
    n_people: Count
    n_train: Count
    n_eval: Count
    n_quarantined: Count
    """Training images left out."""
    n_eval_unreadable: Count
    """Evaluation images that cannot be read; they get the prior."""
    n_corrected: Count
    """Training images whose labels the corrections changed."""
    class_counts: tuple[Count, ...]
    """Training images of each joint class."""
    n_external: Count = 0
    """Usable images of external tables; the other counts do not include them."""
    n_external_left_out: Count = 0
    """Rows of external tables that cannot be used."""
    warnings: tuple[str, ...] = ()

    def learnt_version(self, labels: str) -> str:
        """Return the digest of what a network learns from; of the whole data set for labels that have none.

        Args:
            labels: One of the network's label sets.
        """
        return self.learnt_versions.get(labels, self.dataset_version)


class PrepareSpec(Spec[PrepareOutcome]):
    """Scan the data set, quarantine what cannot be used, apply corrections, make folds."""

    stage = "prepare"
    version = 3
    data: Annotated[str, OutsideKey]
    """URI of the data set."""
    fingerprint: Mark
    """Digest of the data set's listing: names, sizes, modification times."""
    dataset: Dataset
    corrections: File | None = None
    """The corrections file, copied into the workspace."""
    external: Annotated[tuple[ExternalSource, ...], OutsideKey] = ()
    """One for each table of ``dataset.external``, in its order."""
    scheme: Scheme
    folds: Folds

    def _determining(self) -> dict[str, Any]:
        found = super()._determining()
        # The content of external tables determines the result, not their location.
        found["dataset"]["external"] = [[source.table, source.fingerprint] for source in self.external]
        # Only trainings depend on the bounds of the training labels, and no result depends on the scheme's name.
        del found["scheme"]["name"]
        for attribute in found["scheme"]["attributes"]:
            del attribute["train_bounds"]
        if not self.dataset.follow_links:  # keys are older than this setting
            del found["dataset"]["follow_links"]
        if self.corrections:
            del found["dataset"]["corrections"]
        return found
