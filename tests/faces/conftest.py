"""Fixtures of the tests of faces."""

from collections.abc import Iterator

import pytest
import torch

import maskfold.torchvision_ops  # noqa: F401  before any test imports facenet_pytorch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run in parallel processes, so threads within one would only compete."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
