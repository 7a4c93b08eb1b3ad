"""Tables of the workspace that are damaged, or are other tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from maskfold.dataset import read_folds, read_manifest, read_quarantine
from maskfold.errors import CorruptDataError


@pytest.mark.parametrize("read", [read_folds, read_manifest, read_quarantine])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1" + bytes(100) + b"PAR1",
        pd.DataFrame({"x": [1]}).to_parquet(),
        pd.DataFrame({"person": ["a"], "fold": ["b"]}).to_parquet(),
    ],
)
def test_what_is_no_such_table_is_damage(tmp_path: Path, read: Callable[[Path], object], content: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"table\.parquet: not a"):
        read(path)
