"""Reads a whole data set: tables, folders, corrections and every image; judges, but refuses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from maskfold.dataset.corrections import Corrections, CorrectionsUse, corrections_use
from maskfold.dataset.eval_table import read_eval_table
from maskfold.dataset.external_table import ExternalTable, ExternalUse, settle_external
from maskfold.dataset.images import MISSING, Probe
from maskfold.dataset.layout import find_layout
from maskfold.dataset.manifest import ImageRow, manifest_table, train_rows
from maskfold.dataset.people import Person, settle_people
from maskfold.dataset.quarantine import Entry
from maskfold.dataset.scan import EvalImage, scan_eval, scan_train
from maskfold.dataset.train_table import read_train_table, repeated_rows
from maskfold.dataset.verify import Progress, verify
from maskfold.wording import first_few


@dataclass(frozen=True)
class Survey:
    """Everything that a data set holds.

    Attributes:
        root: The data set's folder.
        manifest: See :mod:`maskfold.dataset.manifest`.
        entries: What is left out or noted.
        corrections: What became of the corrections file; None without one.
        n_litter: Files of operating systems and editors that were skipped.
        external: What became of each external table.
    """

    root: str
    manifest: pd.DataFrame
    entries: tuple[Entry, ...]
    corrections: CorrectionsUse | None
    n_litter: int
    external: tuple[ExternalUse, ...] = ()

    @property
    def n_train(self) -> int:
        return len(train_rows(self.manifest))


def survey(
    root: Path,
    corrections: Corrections | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    external: Sequence[ExternalTable] = (),
) -> Survey:
    """Read a data set, and the images of external tables.

    Args:
        root: Its folder.
        corrections: Corrections to its labels.
        threads: How many images are opened at a time; the result does not depend on it.
        progress: Called with the number of images opened and the number in all.
        external: External tables, already read.

    Raises:
        DatasetError: If the folder is no data set, or one of its tables or the corrections cannot be used.
        UnavailableError: If the disk or the network fails while reading.
    """
    layout = find_layout(root)
    stated, entries = read_train_table(layout)
    image_ids = read_eval_table(layout)
    matched, unknown = corrections.match(stated) if corrections else ({}, [])
    people, problems = settle_people(stated, matched)
    train_scan = scan_train(layout, stated)
    eval_images, notes, n_eval_litter = scan_eval(layout, image_ids)

    left_out = {entry.person for entry in problems}
    # A person without usable labels counts once, with all photographs; what else is wrong in the folder adds nothing.
    scanned = [entry for entry in train_scan.entries if entry.person not in left_out]
    targets = [
        (person, name, image)
        for person in people
        for name, image in sorted(train_scan.folders.get(person.name, {}).items())
    ]
    openable = [image for image in eval_images if image.problem is None]
    paths = [root / image for *_, image in targets] + [root / image.image for image in openable]
    probes = iter(verify([*paths, *(row.file for table in external for row in table.listed)], threads, progress))

    train, unreadable = _train_rows(targets, islice(probes, len(targets)))
    evaluation, unreadable_eval = _eval_rows(eval_images, islice(probes, len(openable)))
    own = manifest_table(train, evaluation)
    added, uses = settle_external(external, probes, own)
    found = [*entries, *problems, *scanned, *unreadable, *unreadable_eval, *repeated_rows(stated), *notes]
    return Survey(
        root=str(root),
        manifest=manifest_table(train, evaluation, added),
        entries=(*_ordered(found), *_same_photographs(own), *(entry for use in uses for entry in use.entries)),
        corrections=corrections_use(corrections, matched, unknown, own) if corrections else None,
        n_litter=train_scan.n_litter + n_eval_litter,
        external=tuple(uses),
    )


def _train_rows(
    targets: Iterable[tuple[Person, str, str]], probes: Iterable[Probe]
) -> tuple[list[ImageRow], list[Entry]]:
    rows, entries = [], []
    for (person, name, image), probe in zip(targets, probes, strict=True):
        if probe.problem:
            entries.append(Entry("train", image, person.name, "unreadable", probe.problem, 1))
            continue
        mask, swapped = person.mask(name)
        rows.append(
            ImageRow(
                image=image,
                part="train",
                person=person.name,
                name=name,
                mask=mask,
                gender=person.gender,
                age=person.age,
                sha256=probe.sha256,
                width=probe.width,
                height=probe.height,
                readable=True,
                corrected=person.relabelled or swapped,
            )
        )
    return rows, entries


def _eval_rows(images: Iterable[EvalImage], probes: Iterable[Probe]) -> tuple[list[ImageRow], list[Entry]]:
    probes = iter(probes)
    rows, entries = [], []
    for image in images:
        probe = Probe("", 0, 0, image.problem) if image.problem else next(probes)
        if probe.problem:
            kind = "unsafe-path" if image.problem else "missing" if probe.problem == MISSING else "unreadable"
            where = f"eval/info.csv, ImageID {image.image_id[:80]!r}" if image.problem else image.image
            entries.append(Entry("eval", where, "", kind, probe.problem))
        rows.append(
            ImageRow(
                image=image.image,
                part="eval",
                person="",
                name=image.image_id,
                mask=-1,
                gender=-1,
                age=-1,
                sha256=probe.sha256,
                width=probe.width,
                height=probe.height,
                readable=probe.problem is None,
                corrected=False,
            )
        )
    return rows, entries


def _same_photographs(manifest: pd.DataFrame) -> list[Entry]:
    """Note equal files under several people, or in both parts: scores would flatter networks that saw them."""
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
    """Put what is left out first, training before evaluation; otherwise the order of discovery stays."""
    return sorted(entries, key=lambda entry: (entry.left_out == 0, entry.part == "eval"))
