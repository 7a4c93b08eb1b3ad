"""Reader for the competition's layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from maskfold.dataset import code_page
from maskfold.dataset.competition.corrections import CompetitionCorrections, Correction, read_corrections
from maskfold.dataset.competition.eval_table import read_eval_table
from maskfold.dataset.competition.layout import find_layout
from maskfold.dataset.competition.people import Person, settle_people
from maskfold.dataset.competition.scan import EvalImage, count_once, people_folders, scan_eval, scan_train
from maskfold.dataset.competition.train_table import by_folder, read_train_table, repeated_rows
from maskfold.dataset.corrections import Applied
from maskfold.dataset.matching import FILE_FORMS, FOLDER_FORMS, pair, repaired, spelling
from maskfold.dataset.reading import Photograph, Reading, Source
from maskfold.errors import DatasetError
from maskfold.layouts import EVAL_TABLE, TRAIN_TABLE
from maskfold.recipe.schemes import load_scheme
from maskfold.scheme import Scheme
from maskfold.wording import first_few

_SCHEME: Final = Scheme.model_validate(load_scheme("mask"))
"""The attributes that the layout states."""


def read_competition(source: Source) -> Reading:
    """Read the tables and list the folders; see :data:`maskfold.dataset.reading.Reader`."""
    _check_scheme(source.scheme)
    layout = find_layout(source.root)
    written, entries = read_train_table(layout)
    folders = pair(written, people_folders(layout), FOLDER_FORMS)
    stated, unsafe = by_folder(written, folders)
    image_ids = read_eval_table(layout)
    file = source.corrections
    corrections = read_corrections(file.path, file.name) if file else None
    matched, unknown = corrections.match(stated) if corrections else ({}, [])
    people, problems = settle_people(stated, matched)
    train_scan = scan_train(layout, stated, source.follow_links)
    asked = scan_eval(layout, image_ids, source.follow_links)
    left_out = {entry.person for entry in problems}
    # A person without usable labels counts once, with all photographs; other problems in the folder add nothing.
    scanned = [entry for entry in train_scan.entries if entry.person not in left_out]
    lost = [*entries, *unsafe, *(entry for entry in train_scan.entries if entry.kind == "no-folder")]
    training = [
        _training(person, name, image, source.scheme)
        for person in people
        for name, image in sorted(train_scan.folders.get(person.name, {}).items())
    ]
    return Reading(
        photographs=(*training, *_evaluation(asked.images)),
        entries=(*count_once([*entries, *unsafe, *problems, *scanned], lost), *repeated_rows(stated), *asked.entries),
        persons_known=True,
        corrections=_applied(corrections, matched, unknown) if corrections else None,
        n_litter=train_scan.n_litter + asked.n_litter,
        warnings=(
            *repaired(folders, FOLDER_FORMS, f"paths of {TRAIN_TABLE}"),
            *repaired(asked.files, FILE_FORMS, f"ImageIDs of {EVAL_TABLE}"),
            *code_page.repairs(layout.train_images, folders.values(), f"paths of {TRAIN_TABLE}"),
            *code_page.repairs(layout.eval_images, asked.files.values(), f"ImageIDs of {EVAL_TABLE}"),
            *(corrections.repairs(matched) if corrections else ()),
            *_look_alikes(person.name for person in people),
        ),
    )


def _look_alikes(people: Iterable[str]) -> Iterable[str]:
    by_spelling: dict[str, list[str]] = defaultdict(list)
    for person in people:
        by_spelling[spelling(person)].append(repr(person))
    same = [" and ".join(names) for names in by_spelling.values() if len(names) > 1]
    if same:
        yield (
            f"{len(same)} names of people differ only in case, blanks or Unicode form from others; if they are one "
            f"person, scores may be too high: put the photographs into one folder: {first_few(same, limit=3)}"
        )


def _applied(corrections: CompetitionCorrections, matched: Iterable[str], unknown: Iterable[Correction]) -> Applied:
    return Applied(corrections.name, len(corrections.rows), tuple(matched), tuple(row.folder for row in unknown))


def _check_scheme(scheme: Scheme) -> None:
    for attribute in scheme.attributes:
        known = _SCHEME[attribute.name] if attribute.name in _SCHEME.names else None
        if known is None or known.values != attribute.values:
            what = "number" if known and known.is_number else " | ".join(known.values) if known else "nothing"
            raise DatasetError(
                f"the competition's layout states {', '.join(_SCHEME.names)}; for the scheme's attribute "
                f"{attribute.name} it states {what}. Choose another layout with --set dataset.reader=table or folders, "
                f"or use the layout's attributes with --set scheme={_SCHEME.name}"
            )


def _training(person: Person, name: str, image: str, scheme: Scheme) -> Photograph:
    mask, swapped = person.mask(name)
    stated = {"mask": mask, "gender": person.gender, "age": person.age}
    return Photograph(
        image=image,
        part="train",
        person=person.name,
        name=name,
        stated={attribute: stated[attribute] for attribute in scheme.names},
        corrected=person.relabelled or swapped,
        uncorrected=person.uncorrected,
    )


def _evaluation(images: Iterable[EvalImage]) -> Iterable[Photograph]:
    for image in images:
        where = f"{EVAL_TABLE}, ImageID {image.image_id[:80]!r}" if image.problem else image.image
        yield Photograph(image.image, "eval", "", image.image_id, problem=image.problem, where=where)
