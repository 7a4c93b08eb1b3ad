"""Reads a whole data set: tables, folders, corrections and every image. Records problems, rejects nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pandas as pd

from maskfold.dataset.code_page import on_disk
from maskfold.dataset.competition import read_competition
from maskfold.dataset.corrections import CorrectionsUse, corrections_use
from maskfold.dataset.external import ExternalTable, ExternalUse, settle_external
from maskfold.dataset.folders import read_folders
from maskfold.dataset.images import MISSING, Probe
from maskfold.dataset.manifest import ImageRow, eval_rows, manifest_table, train_rows
from maskfold.dataset.quarantine import Entry
from maskfold.dataset.reading import Photograph, Reader, Source
from maskfold.dataset.table import read_table
from maskfold.dataset.verify import Progress, verify
from maskfold.layouts import Layout
from maskfold.scheme import Scheme
from maskfold.wording import first_few

READERS: Final[Mapping[Layout, Reader]] = {
    "competition": read_competition,
    "table": read_table,
    "folders": read_folders,
}


@dataclass(frozen=True)
class Survey:
    """The content of a data set.

    Attributes:
        root: The data set's folder.
        scheme: The attributes that it states.
        manifest: See :mod:`maskfold.dataset.manifest`.
        entries: What is left out or noted.
        uncorrected: What the data set itself states in place of corrected labels, by image and attribute.
        persons_known: Whether the data set states which photographs show the same person.
        corrections: The effect of the corrections file; None without one.
        n_litter: Files of operating systems and editors that were skipped.
        external: The use of each external table.
        warnings: Sentences from its reader for users.
    """

    root: str
    scheme: Scheme
    manifest: pd.DataFrame
    entries: tuple[Entry, ...]
    uncorrected: Mapping[str, Mapping[str, float]]
    persons_known: bool
    corrections: CorrectionsUse | None
    n_litter: int
    external: tuple[ExternalUse, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def as_stated(self) -> pd.DataFrame:
        """The manifest without corrections. Folds go by it: a corrected label moves no one into another fold."""
        table = self.manifest.set_index("image")
        for image, stated in self.uncorrected.items():
            if image in table.index:
                table.loc[image, list(stated)] = list(stated.values())
        return table.reset_index().astype(self.manifest.dtypes)[self.manifest.columns]

    @property
    def n_train(self) -> int:
        return len(train_rows(self.manifest))

    @property
    def n_eval(self) -> tuple[int, int]:
        """Number of evaluation images, and of those among them that cannot be read."""
        evaluation = eval_rows(self.manifest)
        return len(evaluation), int((~evaluation["readable"]).sum())


def survey(
    source: Source,
    layout: Layout = "competition",
    threads: int = 1,
    progress: Progress | None = None,
    external: Sequence[ExternalTable] = (),
) -> Survey:
    """Read a data set, and the images of external tables.

    Args:
        source: Its folder, scheme and corrections.
        layout: Its layout.
        threads: How many images are opened at a time; the result does not depend on it.
        progress: Called with the number of images opened and the number in all.
        external: External tables, already read.

    Raises:
        DatasetError: If the folder is not a data set, or one of its tables or the corrections file is not valid.
        UnavailableError: If the disk or the network fails while reading.
    """
    scheme, reading = source.scheme, READERS[layout](source)
    training = [photograph for photograph in reading.photographs if photograph.part == "train"]
    asked = [photograph for photograph in reading.photographs if photograph.part == "eval"]
    openable = [*training, *(photograph for photograph in asked if photograph.problem is None)]
    outside = [on_disk(table.folder, row.file) for table in external for row in table.listed]
    paths = [on_disk(source.root, photograph.image) for photograph in openable]
    # A photograph that lacks its end is no photograph to learn from; asked for, it gets the best possible answer.
    cut_off = [one.part == "eval" for one in openable] + [False] * len(outside)
    probes = iter(verify([*paths, *outside], threads, progress, cut_off))

    train, unreadable = _train_rows(training, islice(probes, len(training)))
    evaluation, unreadable_eval = _eval_rows(asked, islice(probes, len(openable) - len(training)))
    own = manifest_table(scheme, train, evaluation)
    added, uses = settle_external(external, probes, own, scheme)
    found = [*unreadable_eval, *reading.entries, *unreadable]
    return Survey(
        root=str(source.root),
        scheme=scheme,
        manifest=manifest_table(scheme, train, evaluation, added),
        entries=(*_ordered(found), *_same_photographs(own), *(entry for use in uses for entry in use.entries)),
        uncorrected={one.image: one.uncorrected for one in training if one.uncorrected},
        persons_known=reading.persons_known,
        corrections=corrections_use(reading.corrections, own) if reading.corrections else None,
        n_litter=reading.n_litter,
        external=tuple(uses),
        warnings=(*reading.warnings, *(repair for table in external for repair in table.repairs)),
    )


def _train_rows(photographs: Iterable[Photograph], probes: Iterable[Probe]) -> tuple[list[ImageRow], list[Entry]]:
    rows, entries = [], []
    for photograph, probe in zip(photographs, probes, strict=True):
        if probe.problem:
            entries.append(Entry("train", photograph.image, photograph.person, "unreadable", probe.problem, 1))
        else:
            rows.append(_row(photograph, probe))
    return rows, entries


def _eval_rows(photographs: Iterable[Photograph], probes: Iterable[Probe]) -> tuple[list[ImageRow], list[Entry]]:
    probes = iter(probes)
    rows, entries = [], []
    for photograph in photographs:
        probe = Probe("", 0, 0, photograph.problem) if photograph.problem else next(probes)
        if probe.problem:
            kind = "unsafe-path" if photograph.problem else "missing" if probe.problem == MISSING else "unreadable"
            entries.append(Entry("eval", photograph.where, "", kind, probe.problem))
        elif probe.note:
            entries.append(Entry("eval", photograph.where, "", "cut-off", probe.note))
        rows.append(_row(photograph, probe))
    return rows, entries


def _row(photograph: Photograph, probe: Probe) -> ImageRow:
    return ImageRow(
        image=photograph.image,
        part=photograph.part,
        person=photograph.person,
        name=photograph.name,
        sha256=probe.sha256,
        width=probe.width,
        height=probe.height,
        readable=probe.problem is None,
        corrected=photograph.corrected,
        stated=photograph.stated,
    )


def _same_photographs(manifest: pd.DataFrame) -> list[Entry]:
    """Note equal files under several people, or in both parts: they make scores too high."""
    readable = manifest[manifest["readable"]]
    repeated = readable[readable["sha256"].duplicated(keep=False)]
    entries = []
    for _, group in repeated.groupby("sha256", sort=False):
        if group["person"].nunique() > 1:
            first, *others = group["image"]
            reason = f"equal to {first_few(others, limit=3)}"
            entries.append(Entry("train", first, group["person"].iloc[0], "same-photograph", reason))
    return entries


def _ordered(entries: Sequence[Entry]) -> list[Entry]:
    """Sort what is left out first, and training before evaluation; otherwise keep the order of discovery."""
    return sorted(entries, key=lambda entry: (entry.left_out == 0, entry.part == "eval"))
