"""A small campaign on each parser; ``python -m tests.faults.fuzz`` runs long ones."""

from __future__ import annotations

import pytest

from tests.faults.fuzz import TARGETS, fuzz


@pytest.mark.filterwarnings("ignore")  # of Pillow and numpy about damaged content
@pytest.mark.parametrize("name", TARGETS)
def test_odd_input_is_accepted_or_refused(name: str) -> None:
    figures = fuzz(name, 60)
    assert figures.inputs >= 50
    assert 0 < figures.refused <= figures.inputs
