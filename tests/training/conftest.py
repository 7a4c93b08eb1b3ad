"""One thread: tests run in parallel, and small networks gain nothing from more."""

import pytest
import torch
from hypothesis import settings

settings.register_profile("training", deadline=None)  # speed is measured by benchmarks, not by tests
settings.load_profile("training")


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
