"""Commands that tests run in their own process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """A command sets variables for its own process."""
    saved = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(saved)
