"""A model package as a function of MLflow: what ``mlflow.pyfunc.load_model`` and ``mlflow models serve`` load.

The registered model names this module as its loader and has the package as its data, so that its artifacts hold no
code, and nothing is unpickled. MLflow leaves the check of inputs to :func:`photographs`.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from PIL import Image

from maskfold.errors import InputError
from maskfold.inference.answers import answer_table
from maskfold.inference.package import OpenPackage
from maskfold.inference.predictor import Predictor

COLUMN: Final = "image"
"""Of a data frame with several columns, the one with the photographs."""
_AT_A_TIME: Final = 64
"""Photographs that are in memory as pixels."""
_EXPECTED: Final = (
    "expected the bytes of image files, their base64 text, or uint8 arrays (height, width, 3); one, a list of them, or "
    f"a data frame with the column {COLUMN!r}"
)


class PhotographFunction:
    """Answers for photographs in any of the forms that MLflow's users have them in."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any) -> pd.DataFrame:
        """Return one row for each photograph: its number as ``image``, and what ``maskfold predict`` says of it.

        A number that there is not, such as the box of a face that was not found, is None: JSON knows no NaN.

        Args:
            model_input: Bytes of an image file (or base64 text), a uint8 array (height, width, 3), a list, an array
                (N, height, width, 3), or a data frame or a dictionary with the column ``image`` of these.

        Raises:
            InputError: If it is something else. A photograph that cannot be read gets an answer that says so.
        """
        given = photographs(model_input)
        parts = [given[start : start + _AT_A_TIME] for start in range(0, len(given), _AT_A_TIME)] or [[]]
        scheme, tables = self._predictor.model.scheme, []
        for number, some in enumerate(parts):
            names = [str(number * _AT_A_TIME + place) for place in range(len(some))]
            tables.append(answer_table(names, self._predictor.predict(some), scheme))
        table = pd.concat(tables, ignore_index=True).astype({"class": np.int32})  # every photograph has an answer
        for name in table.columns[table.isna().any()]:
            table[name] = table[name].astype(object).where(table[name].notna(), None)
        return table


def photographs(given: Any) -> list[bytes]:
    """Return photographs as the bytes of image files.

    Raises:
        InputError: If there is one that cannot be meant.
    """
    if isinstance(given, pd.DataFrame):
        if COLUMN not in given and len(given.columns) != 1:
            raise InputError(f"a data frame with the columns {list(map(str, given.columns))[:10]}: {_EXPECTED}")
        given = given[COLUMN] if COLUMN in given else given[given.columns[0]]
    elif isinstance(given, Mapping):
        if COLUMN not in given:
            raise InputError(f"a dictionary with {list(map(str, given))[:10]}: {_EXPECTED}")
        given = given[COLUMN]
    if isinstance(given, bytes | bytearray | memoryview | str) or (isinstance(given, np.ndarray) and given.ndim == 3):
        given = [given]
    if not isinstance(given, Sequence | pd.Series | np.ndarray):
        raise InputError(f"{type(given).__name__}: {_EXPECTED}")
    return list(_each(given))


def _each(given: Sequence[Any] | pd.Series[Any] | np.ndarray[Any, Any]) -> Iterator[bytes]:
    for number, one in enumerate(given):
        try:
            yield _file(one.get(COLUMN) if isinstance(one, Mapping) else one)
        except (ValueError, TypeError, binascii.Error) as error:
            raise InputError(f"photograph {number}: {error}: {_EXPECTED}") from None


def _file(one: Any) -> bytes:
    if isinstance(one, bytes | bytearray | memoryview):
        return bytes(one)
    if isinstance(one, str):
        return base64.b64decode("".join(one.split()), validate=True)
    if not isinstance(one, Sequence | np.ndarray):
        raise TypeError(f"it is of the type {type(one).__name__}")
    pixels = np.asarray(one)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"it is an array of the shape {pixels.shape}")
    if pixels.dtype.kind not in "iu" or pixels.min() < 0 or pixels.max() > 255:
        raise ValueError(f"it is an array of {pixels.dtype}, not of numbers from 0 to 255")
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG", compress_level=1)  # exact, read as any file is
    return stream.getvalue()


def _load_pyfunc(data_path: str) -> PhotographFunction:
    """Load a package; the name is MLflow's. A package that was changed is refused."""
    return PhotographFunction(Predictor.load(OpenPackage.open(data_path)))
