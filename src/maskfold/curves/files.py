"""The table of curves as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from maskfold.errors import InputError
from maskfold.storage.aside import aside
from maskfold.storage.faults import disk_faults

SUFFIXES: Final = (".parquet", ".csv")


def check_name(path: Path) -> None:
    """Make sure that a table can be written under a name, before anything is read for it.

    Raises:
        InputError: If the ending is none of parquet and csv, or a folder has that name.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--out {path}: expected a name that ends with {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise InputError(f"--out {path}: this is a folder; name a file in it, such as {path / 'curves.parquet'}")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet or csv, as its name says; an earlier file is replaced as a whole.

    Raises:
        InputError: If the name says neither, or nothing can be written there.
        MaskfoldError: If the disk is full.
    """
    check_name(path)
    with disk_faults(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path) as new:
            if path.suffix.lower() == ".csv":
                table.to_csv(new, index=False, lineterminator="\n")
            else:
                table.to_parquet(new, index=False)
