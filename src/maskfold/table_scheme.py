"""Guesses the attributes from the columns of a table."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from maskfold.cells import folded, given, number, plain
from maskfold.layouts import TABLE_COLUMNS, is_evaluation
from maskfold.recipe.schemes import SCHEMES, load_scheme
from maskfold.rows import Row
from maskfold.scheme import RESERVED, Attribute

MOST_NUMBERS: Final = 12
"""Up to this many different whole numbers are classes; more are a number, which needs bounds."""
MOST_TEXTS: Final = 50
"""Up to this many different texts are classes; a column with more holds remarks or ids."""
FEW_TEXTS: Final = 10
"""The same for texts that seldom repeat (fewer than two rows each on average), like remarks and ids."""
_MOST_PARSE: Final = 0.95
"""Share of cells that must be valid for a column to be an attribute of a known scheme; the rest are typing errors,
and the reader leaves them out."""


def propose(rows: Sequence[Row], name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the scheme that a table states, and the columns that are not attributes.

    If all columns are attributes of a known scheme, they are taken from it. In any other column the different cells are
    the classes. Numbers that are not whole, or too many, need bounds, which only the user knows; they get a ``range``.

    Args:
        rows: The table; evaluation rows are ignored.
        name: Name of the scheme.

    Returns:
        The scheme in the form of a recipe, None without an attribute; and the names of the other columns.
    """
    training = [row for row in rows if not _is_asked(row)]
    columns = [column for column in rows[0].cells if column not in TABLE_COLUMNS]
    cells = {column: [plain(given(row[column])) for row in training] for column in columns}
    known = next((of_scheme for scheme in SCHEMES if (of_scheme := _known(cells, scheme))), None)
    if known:
        return {"name": name, "attributes": known}, []
    people = [given(row.cells.get("person", "")) for row in training]
    attributes = {column: found for column in columns if (found := _attribute(column, cells[column], people))}
    unused = [column for column in columns if column not in attributes]
    return ({"name": name, "attributes": list(attributes.values())} if attributes else None), unused


def _is_asked(row: Row) -> bool:
    try:
        return is_evaluation(given(row.cells.get("split", "")))
    except ValueError:  # the reader reports it
        return True


def _known(cells: Mapping[str, Sequence[str]], scheme: str) -> list[dict[str, Any]]:
    """Return the attributes of a known scheme, in its order, if all columns are among them; else an empty list."""
    settings = {one["name"]: one for one in load_scheme(scheme)["attributes"]}
    named = {column.casefold(): column for column in cells}
    if not named or not named.keys() <= settings.keys():
        return []
    found = [one for name, one in settings.items() if name in named]
    return found if all(_parses(Attribute.model_validate(one), cells[named[one["name"]]]) for one in found) else []


def _parses(attribute: Attribute, cells: Sequence[str]) -> bool:
    stated = [cell for cell in cells if cell]
    usable = 0
    for cell in stated:
        with contextlib.suppress(ValueError):
            attribute.parse(cell)
            usable += 1
    return usable >= _MOST_PARSE * len(stated) > 0


def _attribute(column: str, cells: Sequence[str], people: Sequence[str]) -> dict[str, Any] | None:
    name = column.casefold()
    different = list({folded(cell): cell for cell in reversed(cells) if cell}.values())
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name) or name in RESERVED or len(different) < 2:
        return None
    attribute: dict[str, Any] = {"name": name, "of": _owner(cells, people)}
    numbers = _numbers(different)
    if numbers and (len(numbers) > MOST_NUMBERS or not all(one.is_integer() for one in numbers)):
        return {**attribute, "range": (min(numbers), max(numbers))}
    if not numbers and len(different) > (MOST_TEXTS if 2 * len(different) < sum(map(bool, cells)) else FEW_TEXTS):
        return None
    return {**attribute, "values": sorted(different, key=number) if numbers else sorted(different)}


def _numbers(cells: Sequence[str]) -> list[float]:
    """Return the cells as numbers; an empty list if one is not a number."""
    try:
        numbers = [number(cell) for cell in cells]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _owner(cells: Sequence[str], people: Sequence[str]) -> str:
    """Return ``person`` if a column is constant on each person's photographs, else ``photograph``."""
    said: dict[str, set[str]] = {}
    for person, cell in zip(people, cells, strict=True):
        if person and cell:
            said.setdefault(person, set()).add(folded(cell))
    return "person" if said and all(len(different) == 1 for different in said.values()) else "photograph"
