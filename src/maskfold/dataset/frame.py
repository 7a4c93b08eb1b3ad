"""Tables that jobs have written, as data frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd

from maskfold.errors import CancelledError, CorruptDataError

INDEX: Final = {"image": "str", "row": "int32", "status": "str"}
"""Columns that every reader of a pack's index needs; see :func:`maskfold.faces.pack.index_table`."""
PLACES: Final = {"part": "str"} | {
    f"{what}_{edge}": "float32" for what in ("box", "crop") for edge in ("left", "top", "right", "bottom")
}
"""Further columns of an index: where the face is, and what was packed, in the photograph."""
PREDICTIONS: Final = {"image": "str", "part": "str", "fold": "int8"}
"""Columns of predictions beside the probabilities."""


def read_frame(source: Path | BinaryIO, what: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read a parquet file.

    Args:
        source: The file, or its content.
        what: What it should be, for messages: ``a table of folds``.
        columns: Columns that it must have, and their types.

    Raises:
        CorruptDataError: If it is no parquet file, or lacks one of the columns.
    """
    try:
        table = pd.read_parquet(source)
        missing = [name for name in columns if name not in table.columns]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing; its columns are {', '.join(map(str, table.columns))}")
        return table.astype(dict(columns))
    except CancelledError:  # a signal to the job, which may come at any line
        raise
    except Exception as error:  # noqa: BLE001 - pandas and pyarrow raise anything on damaged files
        raise CorruptDataError(f"{source}: not {what}: {str(error).partition(chr(10))[0]}") from None
