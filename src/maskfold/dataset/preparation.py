"""Reads a data set's folder and makes its tables, for the job ``prepare`` and for ``maskfold check``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from maskfold.cores import usable_cores
from maskfold.dataset.cautions import survey_warnings
from maskfold.dataset.competition.corrections import agreed_path
from maskfold.dataset.corrections import AGREED
from maskfold.dataset.external import ExternalTable, read_external_table
from maskfold.dataset.folds import assign_folds, check_folds, folds_version
from maskfold.dataset.manifest import class_counts, eval_rows, external_rows, people_table, strata
from maskfold.dataset.quarantine import eval_refusal, n_left_out, of_external, quarantine_table, refuse
from maskfold.dataset.reading import CorrectionsFile, Source
from maskfold.dataset.summary import DatasetReport, describe
from maskfold.dataset.survey import Survey, survey
from maskfold.dataset.verify import Progress
from maskfold.dataset.versions import dataset_version, images_version, learnt_versions
from maskfold.errors import DatasetError
from maskfold.layouts import Layout, look, only_table
from maskfold.links import refuse_links_out
from maskfold.recipe import Dataset, Folds, Recipe
from maskfold.scheme import Scheme


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
        learnt_versions: Digests of the training inputs of networks; see :mod:`maskfold.dataset.versions`.
        eval_version: Digest of the evaluation images and their order.
        class_counts: Training images of each joint class.
        n_train: Training images.
        n_eval: Evaluation images.
        n_quarantined: Training photographs left out.
        n_eval_unreadable: Evaluation images that cannot be read.
        n_corrected: Training images with a label changed by a correction.
        n_external: Usable external images; not included in any other count.
        n_external_left_out: Rows of external tables that are not usable.
        warnings: Sentences for users.
    """

    manifest: pd.DataFrame
    folds: pd.DataFrame
    quarantine: pd.DataFrame
    dataset_version: str
    images_version: str
    folds_version: str
    learnt_versions: Mapping[str, str]
    eval_version: str
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
    scheme: Scheme,
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
        scheme: The attributes that it states; folds are stratified on those of a person.
        folds: Number and seed of the folds.
        corrections: Local path of the corrections file; None: the one that ``settings.corrections`` names.
        threads: How many images are opened at a time; None: one for each processor.
        progress: Called with the number of images opened and the number in all.
        external: Local paths of the external tables; None: those that ``settings.external`` names.

    Raises:
        DatasetError: If the folder is not a data set, too much of its training or evaluation part is unusable, it has
            fewer people than folds, or no row of an external table is usable.
        UnavailableError: If the disk or the network fails while reading.
    """
    found = _survey(data, settings, scheme, corrections, threads, progress, external)
    refuse(found.entries, found.n_train, settings.max_quarantined, found.root)
    refusal = eval_refusal(found.entries, *found.n_eval, settings)
    if refusal is not None:
        raise DatasetError(f"data set {found.root}: {refusal}")
    if found.corrections and found.corrections.refusal:
        raise DatasetError(found.corrections.refusal)
    for use in found.external:
        if use.refusal:
            raise DatasetError(use.refusal)
    people = people_table(found.as_stated, strata(found.manifest, scheme))
    assigned = assign_folds(people, folds.k, folds.seed)
    check_folds(assigned, people["person"].tolist(), folds.k)
    n_eval, n_eval_unreadable = found.n_eval
    return Prepared(
        manifest=found.manifest,
        folds=assigned,
        quarantine=quarantine_table(found.entries),
        dataset_version=dataset_version(found.manifest),
        images_version=images_version(found.manifest),
        folds_version=folds_version(assigned),
        learnt_versions=learnt_versions(found.manifest, scheme),
        eval_version=images_version(eval_rows(found.manifest)),
        class_counts=tuple(class_counts(found.manifest, scheme).tolist()),
        n_train=found.n_train,
        n_eval=n_eval,
        n_quarantined=n_left_out(found.entries),
        n_eval_unreadable=n_eval_unreadable,
        n_corrected=int(found.manifest["corrected"].sum()),
        n_external=len(external_rows(found.manifest)),
        n_external_left_out=sum(entry.left_out for entry in of_external(found.entries)),
        warnings=survey_warnings(found, folds.k),
    )


def check(
    data: Path,
    recipe: Recipe,
    corrections: Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    external: Sequence[Path] | None = None,
) -> DatasetReport:
    """Read a data set and report on it; unlike :func:`prepare`, accept any amount of unusable photographs.

    Args:
        data: Its folder.
        recipe: Its settings of scheme, data set and folds are used.
        corrections: As for :func:`prepare`.
        threads: As for :func:`prepare`.
        progress: As for :func:`prepare`.
        external: As for :func:`prepare`.

    Raises:
        DatasetError: If the folder is not a data set, or a table, the corrections or an external table is not valid.
        UnavailableError: If the disk or the network fails while reading.
    """
    found = _survey(data, recipe.dataset, recipe.scheme, corrections, threads, progress, external)
    return describe(found, recipe.folds.k, recipe.dataset)


def _survey(
    data: Path,
    settings: Dataset,
    scheme: Scheme,
    corrections: Path | None,
    threads: int | None,
    progress: Progress | None,
    external: Sequence[Path] | None,
) -> Survey:
    if not settings.follow_links:
        refuse_links_out(data)
    layout, table = _layout(data, settings)
    tables = _external(settings, external, scheme)
    source = Source(data, scheme, table, _corrections(settings, corrections), settings.follow_links)
    return survey(source, layout, threads or usable_cores(), progress, tables)


def _layout(data: Path, settings: Dataset) -> tuple[Layout, str | None]:
    """Return the layout, and the table's name if the layout is ``table``; jobs receive both as settings."""
    reader, table = settings.reader, settings.table
    if reader in ("competition", "folders") or table is not None:
        return "table" if reader == "auto" else reader, table
    names = sorted(
        Path(folder, name).relative_to(data).as_posix() for folder, _, files in os.walk(data) for name in files
    )
    layout = look(str(data), names) if reader == "auto" else reader
    return layout, only_table(str(data), names) if layout == "table" else None


def _corrections(settings: Dataset, path: Path | None) -> CorrectionsFile | None:
    """Return the corrections that the settings name."""
    name = settings.corrections
    if name is None:
        return None
    if path is None:
        path = agreed_path() if name == AGREED else Path(name.removeprefix("file://"))
    return CorrectionsFile(path, name)


def _external(settings: Dataset, paths: Sequence[Path] | None, scheme: Scheme) -> list[ExternalTable]:
    """Read the external tables that the settings name; their images are not opened."""
    if paths is None:
        paths = [Path(name.removeprefix("file://")) for name in settings.external]
    named = enumerate(zip(settings.external, paths, strict=True))
    return [read_external_table(path, name, number, scheme) for number, (name, path) in named]
