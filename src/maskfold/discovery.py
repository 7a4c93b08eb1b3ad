"""Detects the layout of a data set, and the attributes that its table or its folders state.

Reads no photograph. The recipe and ``--set`` take precedence over what is found here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from maskfold import storage
from maskfold.cells import folded
from maskfold.class_layout import ClassLayout
from maskfold.errors import DatasetError, RecipeError
from maskfold.layouts import (
    EVAL_TABLE,
    TABLE_COLUMNS,
    TRAIN_TABLE,
    Layout,
    class_folders,
    is_table,
    look,
    no_layout,
    only_table,
)
from maskfold.links import refuse_links_out
from maskfold.recipe import Recipe, load_recipe
from maskfold.recipe.loading import load_dataset
from maskfold.rows import parse_rows
from maskfold.specs.address import safe_relative
from maskfold.storage.location import LocalPath, parse
from maskfold.table_scheme import propose
from maskfold.wording import code_page_hint

FOLDERS_ATTRIBUTE: Final = "label"
"""Name of the attribute that class folders state."""
_OTHERWISE: Final = "; to change the layout: --set dataset.reader=competition, table or folders"


@dataclass(frozen=True)
class Discovery:
    """What was found out about a data set.

    Attributes:
        reader: Its layout.
        data: URI of its folder.
        table: Name of its table in that folder if the layout is ``table``.
        scheme: The scheme that it states, in the form of a recipe; None if it states none. A number without bounds has
            a ``range`` instead.
        said: A sentence for users.
    """

    reader: Layout
    data: str
    table: str | None
    scheme: dict[str, Any] | None
    said: str


def load(data: str, recipe: str, overrides: Sequence[str] = ()) -> tuple[Discovery, Recipe]:
    """Examine a data set and load a recipe for it.

    Args:
        data: URI of the data set, or of its table.
        recipe: As for :func:`maskfold.recipe.load_recipe`.
        overrides: Likewise.

    Returns:
        What was found, and the recipe with the layout found and, unless it names a scheme, the scheme found.

    Raises:
        InputError: If data set, recipe or overrides are wrong.
        UnavailableError: If the storage cannot be reached.
    """
    wanted = load_dataset(recipe, overrides)
    folder = parse(_folder_and_table(data, wanted.table)[0])
    if isinstance(folder, LocalPath) and not wanted.follow_links:
        refuse_links_out(folder.path)
    found = discover(data, wanted.reader, wanted.table, wanted.follow_links)
    settings = load_recipe(recipe, overrides, scheme=found.scheme)
    dataset = settings.dataset.model_copy(update={"reader": found.reader, "table": found.table})
    return found, settings.model_copy(update={"dataset": dataset})


def discover(
    data: str,
    reader: Literal["auto", "competition", "table", "folders"] = "auto",
    table: str | None = None,
    follow_links: bool = False,
) -> Discovery:
    """Examine a data set.

    Args:
        data: URI of its folder, or of its csv or parquet file.
        reader: The layout, if it is known.
        table: Name of the table in that folder, if it is known.
        follow_links: Whether folders outside are looked at that links lead to.

    Raises:
        DatasetError: If the folder is missing or has none of the layouts, or the table is not valid.
        RecipeError: If reader and table contradict each other or the data set.
        WorkspaceError: If the URI is malformed, the bucket is missing or access is denied.
        UnavailableError: If the server cannot be reached.
    """
    data, table = _folder_and_table(data, table)
    if table is not None and reader in ("competition", "folders"):
        raise RecipeError(f"dataset.reader {reader} reads no table; remove {table}, or set dataset.reader=table")
    layout: Layout = _look(data, table, follow_links) if reader == "auto" else reader
    if layout == "competition":
        return Discovery(layout, data, None, None, f"data set: the competition's layout{_OTHERWISE}")
    if layout == "folders":
        return _folders(data, follow_links)
    return _table(data, table or only_table(data, storage.list_tree(data, follow_links=follow_links)))


def _folder_and_table(data: str, table: str | None) -> tuple[str, str | None]:
    location = parse(data)
    if not is_table(location.name) or not storage.is_file(data):
        return str(location), table
    if table not in (None, location.name):
        raise RecipeError(f"dataset.table {table}: the data set {location} is a table itself; name only one of them")
    return str(location.parent), location.name


def _look(data: str, table: str | None, follow_links: bool) -> Layout:
    if table is not None:
        return "table"
    location = parse(data)
    if any(storage.is_file(str(location.child(name))) for name in (TRAIN_TABLE, EVAL_TABLE)):
        return "competition"
    if isinstance(location, LocalPath):
        for folder in (location.parent, location.parent.parent):
            if storage.is_file(str(folder.child(TRAIN_TABLE))):
                raise no_layout(data, f" Did you mean {folder}?")
    return look(data, _names(data, follow_links))


def _names(data: str, follow_links: bool) -> list[str]:
    """Return the paths of all files, those in links to class folders by the links' names, too."""
    names = storage.list_tree(data, follow_links=follow_links)
    location = parse(data)
    if not isinstance(location, LocalPath):
        return names
    return sorted({*names, *ClassLayout.of(location.path, follow_links).linked()})


def _table(data: str, table: str) -> Discovery:
    if safe_relative(table) is None or "/" in table:
        hint = code_page_hint(table)
        raise RecipeError(
            f"dataset.table {table!r}: expected the name of a csv or parquet file in the folder {data}{hint}"
        )
    content = storage.read_uri(str(parse(data).child(table)))
    try:
        rows = parse_rows(content, table, ("path",), TABLE_COLUMNS)
    except DatasetError as error:
        raise DatasetError(f"{str(error).rstrip('.')}{_OTHERWISE}") from None
    scheme, unused = propose(rows, _scheme_name(data))
    attributes = [_shown(one) for one in scheme["attributes"]] if scheme else ["no attributes"]
    left = f"; ignored columns: {', '.join(unused)}" if unused else ""
    said = f"data set: table {table}: {len(rows):,} photographs, {', '.join(attributes)}{left}{_OTHERWISE}"
    return Discovery("table", data, table, scheme, said)


def _folders(data: str, follow_links: bool) -> Discovery:
    classes, n_eval = class_folders(_names(data, follow_links))
    for name in filter(code_page_hint, classes):
        raise DatasetError(f"data set {data}: class folder {name!r}{code_page_hint(name)}")
    spelled = {folded(name): name for name in sorted(classes, reverse=True)}
    if len(spelled) < 2:
        raise no_layout(data)
    attribute = {"name": FOLDERS_ATTRIBUTE, "of": "photograph", "values": sorted(spelled.values())}
    counts = f"{sum(classes.values()):,} photographs" + (f" and {n_eval:,} to evaluate" if n_eval else "")
    said = f"data set: class folders: {counts}, {_shown(attribute)}{_OTHERWISE}"
    return Discovery("folders", data, None, {"name": _scheme_name(data), "attributes": [attribute]}, said)


def _shown(attribute: Mapping[str, Any]) -> str:
    name, values, bounds = attribute["name"], attribute.get("values", []), attribute.get("bounds", [])
    if values:
        more = f", and {len(values) - 8} more" if len(values) > 8 else ""
        return f"{name} ({', '.join(values[:8])}{more})"
    if bounds:
        return f"{name} (bounds {', '.join(f'{bound:g}' for bound in bounds)})"
    low, high = attribute["range"]
    return f"{name} (numbers {low:g} to {high:g})"


def _scheme_name(data: str) -> str:
    """Return the folder's name in the form of a scheme's name."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", parse(data).name.casefold()).strip("._-")[:40]
    return slug or "custom"
