"""Errors like those that were found in the competition, planted before training: the audit's first suspects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.mislabelled import audited, folders_of, mislabel
from portraits import draw
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
PEOPLE, FLIPPED, SWAPPED, FIRST = 120, 8, 3, 20
LEARNS_LITTLE = ["networks.age.epochs=1", "networks.age-2.epochs=1"]
"""Nobody's gender or mask is told by the networks for age."""
UNTRAINED = [
    *("networks.*.backbone=test_resnet", "networks.*.pretrained=none", "networks.*.size=[64,48]"),
    *("networks.*.batch_size=16", "networks.*.optimizer.lr=0.002", "networks.*.covering={}"),
    *("networks.joint.epochs=30", "networks.mask.epochs=30", "networks.gender.epochs=30"),
]
"""What learns most in little time where there are no weights."""


def first_suspects(source: Path, folder: Path, settings: list[str], weights: list[str]) -> tuple[set[str], set[str]]:
    """Plant the errors; return ids of the people who have one, and of the first suspects."""
    names = folders_of(source)[:PEOPLE]
    chosen = [names[place] for place in np.random.default_rng(0).choice(len(names), FLIPPED + SWAPPED, replace=False)]
    mislabel(source, folder / "data", names, chosen[:FLIPPED], chosen[FLIPPED:])
    table = audited(folder / "data", folder / "workspace", [*LEARNS_LITTLE, *settings], weights)
    first = table[table["grade"] != "weak"].head(FIRST)
    return {name.split("_")[0] for name in chosen}, {person.split("_")[0] for person in first["person"]}


def test_in_drawn_faces(tmp_path: Path) -> None:
    draw(tmp_path / "drawn", people=PEOPLE, eval_people=2, seed=4)
    wrong, suspected = first_suspects(tmp_path / "drawn", tmp_path, UNTRAINED, [])
    assert wrong <= suspected


def test_in_photographs(real_data: Path, tmp_path: Path) -> None:
    weights = ROOT.parent / "shared" / "weights"
    if not weights.is_dir():
        pytest.skip(f"no weights at {weights}")
    bounds = "scheme.attributes.age.bounds=[45,60]"
    wrong, suspected = first_suspects(real_data, tmp_path, [bounds], [str(weights)])
    assert wrong <= suspected
