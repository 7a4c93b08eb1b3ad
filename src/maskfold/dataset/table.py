"""Tables of photographs: a data set (layout ``table``), or external photographs to train on.

A csv or parquet file, beside or above its photographs, with the columns

===========  =========================================================================================================
path         the photograph, relative to the table's folder; must be inside it
person       the person in the photograph; optional. Blank or no such column: a person of its own
split        ``train`` or blank; or one of eval, evaluation, test, holdout, val, valid, validation. Optional
*attribute*  one column for each attribute of the scheme: the class's name or number, or the number
===========  =========================================================================================================

Other columns are ignored. Rows of the evaluation part keep the table's order, including those without a usable file,
and their labels are never read. An unusable training row is left out with a reason.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskfold.cells import given, plain
from maskfold.dataset.code_page import on_disk
from maskfold.dataset.corrections import AGREED, Matched, read_corrections
from maskfold.dataset.images import MISSING
from maskfold.dataset.matching import find_files, spelling
from maskfold.dataset.names import own_image, unsafe_name
from maskfold.dataset.quarantine import Entry
from maskfold.dataset.reading import Photograph, Reading, Source
from maskfold.errors import DatasetError
from maskfold.layouts import TABLE_COLUMNS, is_evaluation, is_table
from maskfold.links import link_problem
from maskfold.rows import Row, read_rows
from maskfold.scheme import Scheme
from maskfold.wording import first_few

Problem = tuple[str, str]
"""Kind and reason of an unusable item."""


@dataclass(frozen=True)
class Listed:
    """A row with usable path and labels.

    Attributes:
        path: As in the table.
        file: The photograph, relative to the table's folder.
        place: Its line.
        person: As in the table; empty if not given.
        stated: Known values by attribute.
        corrected: Whether a correction changed a label.
        uncorrected: What the row itself states in place of each corrected label.
    """

    path: str
    file: str
    place: str
    person: str
    stated: Mapping[str, float]
    corrected: bool = False
    uncorrected: Mapping[str, float] = field(default_factory=dict)


def read_table(source: Source) -> Reading:
    """Read a data set's table; see :data:`maskfold.dataset.reading.Reader`."""
    rows, spelled = _one_spelling(_rows(source))
    table = str(source.table)
    files, repairs = find_files((row["path"] for row in rows), source.root, table)
    evaluation, training, entries = _by_part(rows, table)
    people = {_person(row) for row in training}
    corrections = match_corrections(source, people, (row["path"] for row in training))
    asked, notes = _evaluation(evaluation, source.root, table, files, source.follow_links)
    entries += notes
    listed: dict[str, list[Listed]] = defaultdict(list)
    lost: dict[str, list[Entry]] = defaultdict(list)
    for row in training:
        if row["path"] in asked:
            reason = f"{row['path']}: also an evaluation photograph ({asked[row['path']].place}), so not trained on"
            lost[row["path"]].append(_left_out(table, row, ("in-both-parts", reason)))
            continue
        found = read_row(row, source.root, source.scheme, files, corrections, True, source.follow_links)
        if isinstance(found, Listed):
            listed[found.path].append(found)
        else:
            lost[row["path"]].append(_left_out(table, row, found))
    entries += _once(lost, listed)
    once = [same[0] for same in listed.values() if agree(same)]
    entries += [_repetition(table, same) for same in listed.values() if len(same) > 1]
    settled, torn = _settle_people(once, source.scheme)
    both = sorted(people & {_person(row) for row in evaluation} - {""})
    return Reading(
        photographs=(*map(_training, settled), *(one.photograph for one in asked.values())),
        entries=(*entries, *torn),
        persons_known=bool(people - {""}),
        corrections=corrections.applied if corrections else None,
        warnings=(
            *repairs,
            *(corrections.repairs if corrections else ()),
            *spelled,
            *_both_parts(both),
            *_nameless(training),
        ),
    )


def match_corrections(source: Source, people: Iterable[str], paths: Iterable[str]) -> Matched | None:
    """Read the corrections of a table or of class folders, and match them with its people or photographs.

    Raises:
        DatasetError: If the file is not valid, or is the competition's.
    """
    file = source.corrections
    if file is None:
        return None
    if file.name == AGREED:
        raise DatasetError(
            f"dataset.corrections={AGREED} applies to the competition's data set only; for a table or class folders "
            "name a csv with path or person and the attributes, or use none: --set dataset.corrections=null"
        )
    return read_corrections(file.path, file.name, source.scheme).match(people, paths)


def _rows(source: Source) -> list[Row]:
    table, names = source.table, source.scheme.names
    if table is None or unsafe_name(table) or "/" in table or not is_table(table):
        raise DatasetError(
            f"dataset.table {table!r}: expected the name of a csv or parquet file in the folder {source.root}"
        )
    rows = read_rows(source.root / table, table, ("path",), (*TABLE_COLUMNS, *names))
    missing = [name for name in names if name not in rows[0].cells]
    if missing:
        raise DatasetError(
            f"{table}: the columns are {', '.join(rows[0].cells)[:200]}; missing: {', '.join(missing)}. A table needs "
            "path and a column for each attribute of the scheme; name the attributes that it has, such as --set "
            "'scheme={attributes: [{name: hair, values: [dark, fair]}]}'"
        )
    return rows


def _one_spelling(rows: Sequence[Row]) -> tuple[list[Row], tuple[str, ...]]:
    """Give each person one name: another case, Unicode form or blank must not put them into two folds.

    Returns:
        The rows, and a sentence for users if a name has changed.
    """
    first: dict[str, str] = {}
    changed: dict[str, str] = {}
    for row in rows:
        person = _person(row)
        if first.setdefault(spelling(person), person) != person:
            changed[person] = first[spelling(person)]
    if not changed:
        return list(rows), ()
    named = first_few([f"{one[:80]!r} is {other[:80]!r}" for one, other in changed.items()], limit=3, separator="; ")
    return (
        [replace(row, cells={**row.cells, "person": changed.get(_person(row), _person(row))}) for row in rows],
        (f"{len(changed)} names of people differ only in case, blanks or Unicode form from others: {named}",),
    )


def _by_part(rows: Iterable[Row], table: str) -> tuple[list[Row], list[Row], list[Entry]]:
    """Return evaluation rows, training rows, and entries for rows that belong to neither part."""
    evaluation: list[Row] = []
    training: list[Row] = []
    entries = []
    for row in rows:
        try:
            (evaluation if is_evaluation(given(row.cells.get("split", ""))) else training).append(row)
        except ValueError as error:
            entries.append(_left_out(table, row, ("bad-label", f"{row['path'][:80]}: {error}")))
    return evaluation, training, entries


@dataclass(frozen=True)
class _Asked:
    photograph: Photograph
    place: str


def _evaluation(
    rows: Iterable[Row], root: Path, table: str, files: Mapping[str, str], follow_links: bool
) -> tuple[dict[str, _Asked], list[Entry]]:
    """Return the evaluation photographs by path, in the table's order, and notes on repeated rows."""
    asked: dict[str, _Asked] = {}
    notes = []
    for number, row in enumerate(rows):
        path = row["path"]
        if path in asked:
            reason = f"{path[:80]}: already in {asked[path].place}; one is used"
            notes.append(Entry("eval", f"{table}, {row.place}", "", "repeated-row", reason))
            continue
        file = files.get(path, path)
        problem = unsafe_name(file)
        if not problem and os.path.lexists(on_disk(root, file)):
            problem = link_problem(on_disk(root, file), root, follow_links)
        image = f"unsafe//{number}" if unsafe_name(file) else own_image(file)  # no safe path has an empty part
        where = f"{table}, {row.place}" if problem else image
        asked[path] = _Asked(
            Photograph(image, "eval", "", row.written["path"], problem=problem, where=where), row.place
        )
    return asked, notes


def read_row(
    row: Row,
    folder: Path,
    scheme: Scheme,
    files: Mapping[str, str],
    corrections: Matched | None = None,
    complete: bool = False,
    follow_links: bool = False,
) -> Listed | Problem:
    """Read a training row; its photograph is not opened.

    Args:
        row: The row.
        folder: The table's folder.
        scheme: The attributes.
        files: From :func:`find_files`.
        corrections: Corrections, which override the row.
        complete: Whether all attributes must be known; otherwise one is enough.
        follow_links: Whether links out of the folder are followed.

    Returns:
        The row, or kind and reason if it is not usable.
    """
    path, person = row["path"], _person(row)
    photograph = files.get(path, path)
    problem = unsafe_name(photograph)
    if problem:
        return "unsafe-path", f"path {path[:80]!r}: {problem}"
    right = corrections.right(person, path) if corrections else {}
    cells = {one.name: one.given(row.cells.get(one.name, "")) for one in scheme.attributes}
    stated: dict[str, float] = {}
    wrong = []
    for name, text in cells.items():
        try:
            stated |= {name: scheme[name].parse(text)} if text else {}
        except ValueError as error:
            wrong += [] if name in right else [str(error)]
    if wrong:
        return "bad-label", f"{path}: {wrong[0]}"
    corrected = any(stated.get(name) != value for name, value in right.items())
    uncorrected = {name: stated[name] for name, value in right.items() if stated.get(name, value) != value}
    stated |= right
    missing = [name for name in cells if name not in stated]
    if len(missing) == len(cells):
        return "no-label", f"{path}: none of {', '.join(cells)} is given"
    if missing and complete:
        return "no-label", f"{path}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not given"
    file = on_disk(folder, photograph)
    if not os.path.lexists(file):  # for a name that is too long: false instead of an error
        return "missing", f"{path[:80]}: {MISSING}"
    problem = link_problem(file, folder, follow_links)
    if problem:
        return "unsafe-path", f"{path}: {problem}"
    return Listed(path, photograph, row.place, person, stated, corrected, uncorrected)


def _person(row: Row) -> str:
    return plain(given(row.cells.get("person", "")))


def agree(rows: Sequence[Listed]) -> bool:
    """Return whether the rows of one photograph state the same."""
    return all((row.person, row.stated) == (rows[0].person, rows[0].stated) for row in rows)


def _settle_people(rows: Sequence[Listed], scheme: Scheme) -> tuple[list[Listed], list[Entry]]:
    """Leave out people with rows that contradict each other in an attribute of a person."""
    of_person = scheme.of("person")
    by_person: dict[str, list[Listed]] = defaultdict(list)
    for row in rows:
        by_person[row.person or row.path].append(row)
    settled, entries = [], []
    for person, photographs in by_person.items():
        for attribute in of_person:
            said = {row.stated[attribute.name]: row.place for row in reversed(photographs)}
            if len(said) > 1:
                shown = "; ".join(f"{place} says {attribute.show(value)}" for value, place in reversed(said.items()))
                where, n = photographs[0].path, len(photographs)
                reason = f"{person}: {attribute.name}: {shown}"
                entries.append(Entry("train", where, person, "labels-disagree", reason, n))
                break
        else:
            settled += photographs
    return settled, entries


def _training(row: Listed) -> Photograph:
    image = own_image(row.file)
    return Photograph(image, "train", row.person or row.path, row.path, row.stated, row.corrected, row.uncorrected)


def _left_out(table: str, row: Row, problem: Problem) -> Entry:
    return Entry("train", f"{table}, {row.place}", _person(row), *problem, 1)


def _once(lost: Mapping[str, Sequence[Entry]], listed: Collection[str]) -> Iterator[Entry]:
    """Count each photograph once, whatever the number of its unusable rows, and not at all if another row has it."""
    for path, entries in lost.items():
        for number, entry in enumerate(entries):
            counts = not path or not (number or path in listed)
            yield entry if counts else replace(entry, left_out=0)


def _repetition(table: str, rows: Sequence[Listed]) -> Entry:
    places, person = ", ".join(row.place for row in rows), rows[0].person
    if agree(rows):
        reason = f"{rows[0].path} has {len(rows)} equal rows ({places})"
        return Entry("train", table, person, "repeated-row", reason)
    reason = f"its rows contradict each other ({places}); none is used"
    return Entry("train", rows[0].path, person, "labels-disagree", reason, 1)


def _nameless(rows: Sequence[Row]) -> tuple[str, ...]:
    n = sum(not _person(row) for row in rows)
    if not 0 < n < len(rows):  # without any, the survey says so
        return ()
    return (
        f"{n} of {len(rows)} training rows name no person; each counts as a person of its own, so scores may be too "
        "high if they show people of other rows",
    )


def _both_parts(people: Sequence[str]) -> tuple[str, ...]:
    if not people:
        return ()
    return (
        f"{len(people)} people are in the training and in the evaluation part, so scores on them may be too high: "
        f"{first_few(people, limit=3, separator='; ')}",
    )
