from pathlib import Path

import pytest

from tests.dataset.builder import DataSet


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    """Twelve valid people and three evaluation images, not yet written."""
    return DataSet(tmp_path / "data").people().evaluation()
