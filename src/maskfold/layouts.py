"""The three layouts of data sets, recognised by the names of files and folders.

::

    competition   DIR/train/train.csv, DIR/train/images/<person>/, DIR/eval/info.csv, DIR/eval/images/
    table         DIR/<any>.csv or .parquet with a column path, the photographs at any depth below DIR
    folders       DIR/<class>/..., or DIR/train/<class>/... with DIR/test/... beside it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final, Literal

from maskfold.errors import DatasetError

Layout = Literal["competition", "table", "folders"]

TRAIN_TABLE: Final = "train/train.csv"
EVAL_TABLE: Final = "eval/info.csv"
TABLES: Final = frozenset({".csv", ".parquet"})
"""Extensions of tables, in lower case."""
PHOTOGRAPHS: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)
"""Extensions of photographs, in lower case."""
TRAINING: Final = frozenset({"train", "training"})
"""Words for the training part, in lower case: names of folders, cells of the column `split`."""
EVALUATION: Final = frozenset({"eval", "evaluation", "test", "holdout", "val", "valid", "validation"})
"""Words for the evaluation part, in lower case; its labels are never read."""
TABLE_COLUMNS: Final = ("path", "person", "split")
"""Columns of a table that are not attributes."""

_WORKBOOKS: Final = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".numbers"})
_LITTER: Final = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir"})


def is_litter(name: str) -> bool:
    """Return whether a file or folder was left by an operating system or an editor."""
    return name.startswith(".") or name.casefold() in _LITTER


def is_photograph(name: str) -> bool:
    """Return whether a file is a photograph by its extension, after which invisible characters may follow."""
    visible = "".join(c for c in PurePosixPath(name).suffix if c.isprintable() and not c.isspace())
    return visible.lower() in PHOTOGRAPHS


def is_table(name: str) -> bool:
    """Return whether a file is a table by its extension."""
    return PurePosixPath(name).suffix.lower() in TABLES


def is_evaluation(word: str) -> bool:
    """Return whether a word means the evaluation part; a blank one means training.

    Raises:
        ValueError: If it means neither; the message is for users.
    """
    folded = word.strip().casefold()
    if folded and folded not in TRAINING | EVALUATION:
        raise ValueError(f"split {word!r} is neither train (or blank) nor one of {', '.join(sorted(EVALUATION))}")
    return folded in EVALUATION


def look(root: str, names: Sequence[str]) -> Layout:
    """Return the layout of a data set.

    Args:
        root: Its folder, for messages.
        names: Paths of all its files, relative to it, in POSIX form.

    Raises:
        DatasetError: If it has none of the layouts.
    """
    if TRAIN_TABLE in names or EVAL_TABLE in names:
        return "competition"
    hint = _hint(names)
    if hint:
        raise no_layout(root, hint)
    if _tables(names):
        return "table"
    if len(class_folders(names)[0]) > 1:
        return "folders"
    workbooks = [name for name in names if "/" not in name and PurePosixPath(name).suffix.lower() in _WORKBOOKS]
    raise no_layout(root, *(f" {name} is a workbook: save its sheet as csv in UTF-8." for name in workbooks[:1]))


def only_table(root: str, names: Iterable[str]) -> str:
    """Return the name of the only table directly in a folder.

    Raises:
        DatasetError: If there is none, or there are several.
    """
    tables = _tables(names)
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise DatasetError(f"data set {root}: there is no csv or parquet file in this folder; name the table's folder")
    raise DatasetError(
        f"data set {root}: {len(tables)} tables are in this folder: {', '.join(tables[:10])}; "
        f"name one with --set dataset.table={tables[0]}"
    )


def class_folders(names: Iterable[str]) -> tuple[Counter[str], int]:
    """Return the numbers of photographs in each class folder, and the number of evaluation photographs."""
    paths = [name.split("/") for name in names if is_photograph(name)]
    paths = [parts for parts in paths if len(parts) > 1 and not any(map(is_litter, parts))]
    training = [parts[1:] for parts in paths if parts[0].casefold() in TRAINING]
    if not training:
        return Counter(parts[0] for parts in paths), 0
    n_eval = sum(parts[0].casefold() in EVALUATION for parts in paths)
    return Counter(parts[0] for parts in training if len(parts) > 1), n_eval


def _tables(names: Iterable[str]) -> list[str]:
    return [name for name in names if "/" not in name and is_table(name) and not is_litter(name)]


def _hint(names: Iterable[str]) -> str:
    """Suggest how to fix a path to the competition's layout."""
    for name in names:
        if name.casefold() in (TRAIN_TABLE, EVAL_TABLE):
            return f" Names are lower case: rename {name.partition('/')[0]}."
        if name.endswith(f"/{TRAIN_TABLE}") and name.count("/") == TRAIN_TABLE.count("/") + 1:
            return f" Did you mean the folder {name.partition('/')[0]} in it?"
    return ""


def no_layout(root: str, hint: str = "") -> DatasetError:
    """Return the error that a folder has none of the layouts.

    Args:
        root: The folder.
        hint: What to do, as a sentence after a space.
    """
    return DatasetError(
        f"data set {root}: it has none of the three layouts: {TRAIN_TABLE} and {EVAL_TABLE} with train/images/ and "
        "eval/images/ (competition); one csv or parquet with a column path (table); a folder of photographs for each "
        f"of at least two classes (folders).{hint}"
    )
