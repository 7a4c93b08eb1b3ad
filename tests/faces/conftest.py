"""What the tests of faces share."""

from collections.abc import Iterator

import pytest
import torch

import maskfold.torchvision_ops  # noqa: F401  before any test imports facenet_pytorch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run beside each other: threads that wait for each other would only be in the way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
