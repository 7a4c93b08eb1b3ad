"""What several tests of faults compare with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.jobs import Undisturbed


@pytest.fixture(scope="session")
def undisturbed(drawn_data: Path, shared_folder: Path) -> Undisturbed:
    """What runs leave that nothing disturbs."""
    folder = shared_folder / "undisturbed"
    folder.mkdir(exist_ok=True)
    return Undisturbed(drawn_data, folder)
