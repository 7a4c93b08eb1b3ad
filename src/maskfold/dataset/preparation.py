"""From a data set's folder to its tables: the work of the job ``prepare``, and of ``maskfold check``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from maskfold.cores import usable_cores
from maskfold.dataset.corrections import AGREED, Corrections, agreed_path, read_corrections
from maskfold.dataset.external_table import ExternalTable, read_external_table
from maskfold.dataset.folds import assign_folds, check_folds, folds_version
from maskfold.dataset.manifest import (
    class_counts,
    dataset_version,
    eval_rows,
    external_rows,
    images_version,
    people_table,
)
from maskfold.dataset.quarantine import n_left_out, of_external, quarantine_table, refuse
from maskfold.dataset.summary import DatasetReport, describe, survey_warnings
from maskfold.dataset.survey import survey
from maskfold.dataset.verify import Progress
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds, Recipe


@dataclass(frozen=True)
class Prepared:
    """The tables that all later jobs build on.

    Attributes:
        manifest: See :mod:`maskfold.dataset.manifest`.
        folds: person (str), fold (int8), sorted by person.
        quarantine: See :func:`maskfold.dataset.quarantine.quarantine_table`.
        dataset_version: Digest of the manifest.
        images_version: Digest of the images alone.
        folds_version: Digest of the folds.
        class_counts: Training images of each of the 18 classes.
        n_train: Training images.
        n_eval: Evaluation images.
        n_quarantined: Training photographs left out.
        n_eval_unreadable: Evaluation images that cannot be read.
        n_corrected: Training images of which a correction changed a label.
        n_external: External images that can be used; counted nowhere else.
        n_external_left_out: Rows of external tables that cannot be used.
        warnings: Sentences for people.
    """

    manifest: pd.DataFrame
    folds: pd.DataFrame
    quarantine: pd.DataFrame
    dataset_version: str
    images_version: str
    folds_version: str
    class_counts: tuple[int, ...]
    n_train: int
    n_eval: int
    n_quarantined: int
    n_eval_unreadable: int
    n_corrected: int
    n_external: int
    n_external_left_out: int
    warnings: tuple[str, ...]


def prepare(
    data: Path,
    settings: Dataset,
    age_bounds: tuple[int, int],
    folds: Folds,
    corrections: Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    external: Sequence[Path] | None = None,
) -> Prepared:
    """Read a data set and make its tables.

    Args:
        data: Its folder.
        settings: How it is read.
        age_bounds: Lower bounds of age groups 1 and 2, in years; folds are stratified on these groups.
        folds: Number and seed of the folds.
        corrections: The corrections file, where it lies locally; None takes what ``settings.corrections`` names.
        threads: How many images are opened at a time; None: one for each processor.
        progress: Called with the number of images opened and the number in all.
        external: The external tables, where they lie locally; None takes what ``settings.external`` names.

    Raises:
        DatasetError: If the folder is no data set, too much of it cannot be used, it has fewer people than folds, or
            nothing of an external table can be used.
        UnavailableError: If the disk or the network fails while reading.
    """
    tables = load_external(settings, external)
    found = survey(data, load_corrections(settings, corrections), threads or usable_cores(), progress, tables)
    refuse(found.entries, found.n_train, settings.max_quarantined, found.root)
    for use in found.external:
        if use.refusal:
            raise DatasetError(use.refusal)
    people = people_table(found.manifest, age_bounds)
    assigned = assign_folds(people, folds.k, folds.seed)
    check_folds(assigned, people["person"].tolist(), folds.k)
    evaluation = eval_rows(found.manifest)
    return Prepared(
        manifest=found.manifest,
        folds=assigned,
        quarantine=quarantine_table(found.entries),
        dataset_version=dataset_version(found.manifest),
        images_version=images_version(found.manifest),
        folds_version=folds_version(assigned),
        class_counts=tuple(class_counts(found.manifest, age_bounds).tolist()),
        n_train=found.n_train,
        n_eval=len(evaluation),
        n_quarantined=n_left_out(found.entries),
        n_eval_unreadable=int((~evaluation["readable"]).sum()),
        n_corrected=int(found.manifest["corrected"].sum()),
        n_external=len(external_rows(found.manifest)),
        n_external_left_out=sum(entry.left_out for entry in of_external(found.entries)),
        warnings=survey_warnings(found, age_bounds, folds.k),
    )


def check(
    data: Path,
    recipe: Recipe,
    corrections: Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    external: Sequence[Path] | None = None,
) -> DatasetReport:
    """Read a data set and report on it; unlike :func:`prepare`, never refuse it for what cannot be used.

    Args:
        data: Its folder.
        recipe: Its settings of labels, data set and folds count.
        corrections: As for :func:`prepare`.
        threads: As for :func:`prepare`.
        progress: As for :func:`prepare`.
        external: As for :func:`prepare`.

    Raises:
        DatasetError: If the folder is no data set, or one of its tables, the corrections or an external table is none.
        UnavailableError: If the disk or the network fails while reading.
    """
    tables = load_external(recipe.dataset, external)
    found = survey(data, load_corrections(recipe.dataset, corrections), threads or usable_cores(), progress, tables)
    return describe(found, recipe.labels.age_bounds, recipe.folds.k, recipe.dataset.max_quarantined)


def load_corrections(settings: Dataset, path: Path | None = None) -> Corrections | None:
    """Read the corrections that the settings name.

    Args:
        settings: How the data set is read.
        path: Where the file lies locally; needed when the settings name a file on S3.

    Raises:
        DatasetError: If the file cannot be used.
    """
    name = settings.corrections
    if path is None and name is not None:
        path = agreed_path() if name == AGREED else Path(name.removeprefix("file://"))
    return None if path is None else read_corrections(path, name)


def load_external(settings: Dataset, paths: Sequence[Path] | None = None) -> list[ExternalTable]:
    """Read the external tables that the settings name; their images are not opened.

    Args:
        settings: How the data set is read.
        paths: Where the tables lie locally; needed when the settings name one on S3.

    Raises:
        DatasetError: If a file is no such table.
    """
    if paths is None:
        paths = [Path(name.removeprefix("file://")) for name in settings.external]
    named = enumerate(zip(settings.external, paths, strict=True))
    return [read_external_table(path, name, number) for number, (name, path) in named]
