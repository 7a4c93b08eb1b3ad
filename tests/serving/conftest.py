from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inference.trained import Trained
from tests.serving.running import RunningServer, running


@pytest.fixture(scope="package")
def served(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the usual limits."""
    with running(tmp_path_factory.mktemp("served"), "--model", trained.package) as server:
        yield server


@pytest.fixture(scope="session")
def photographs(trained: Trained) -> list[bytes]:
    """Photographs with faces."""
    return [path.read_bytes() for path in sorted((trained.data / "eval" / "images").iterdir())[2:26]]
