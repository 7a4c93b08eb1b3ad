"""Comparison plots: a figure for each network, a panel for each tag, runs overlaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskfold.curves.chosen import read_curves
from maskfold.report.curves import MOST_RUNS, curve_figures
from maskfold.storage import Workspace
from maskfold.theme import LIGHT, Palette
from tests.curves.conftest import Ran, training
from tests.report.test_figures import is_cut_off, rgb


def colours(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as drawn:
        return {colour for _, colour in drawn.convert("RGB").getcolors(256)}


def near(palette: Palette, number: int, found: set[tuple[int, ...]]) -> bool:
    """Whether a colour of the series is drawn; stored pictures have few colours, so nearly."""
    wanted = rgb(palette.series[number])
    return any(max(abs(a - b) for a, b in zip(wanted, one, strict=True)) < 12 for one in found)


def steps(runs: list[str], tags: list[str], length: int = 5) -> pd.DataFrame:
    rows = [(run, "", 0, step, tag, 1 / (step + 1)) for run in runs for tag in tags for step in range(length)]
    return pd.DataFrame(rows, columns=["run", "network", "fold", "epoch", "tag", "value"])


@pytest.mark.parametrize("narrow", [False, True])
def test_runs_are_overlaid_in_colours_of_their_own(
    workspace: Workspace, ran: Ran, tmp_path: Path, narrow: bool
) -> None:
    for number, best in ((1, 0.4), (2, 0.6)):
        trained = [training(network, fold, best=best) for network in ("joint", "mouth") for fold in range(2)]
        ran(f"run {number}", number, trained)
    figures = curve_figures(read_curves(workspace, "all").table)
    assert [figure.name for figure in figures] == ["curves-joint", "curves-mouth"]
    for figure in figures:
        path = figure.save(tmp_path, LIGHT, narrow=narrow)
        assert not is_cut_off(path, LIGHT)
        found = colours(path)
        assert near(LIGHT, 0, found)
        assert near(LIGHT, 1, found)
        assert not near(LIGHT, 2, found)
        assert "valid_macro_f1" in figure.alt
        assert "run 1" in figure.alt


def test_many_tags_go_on_in_further_figures_and_no_name_is_used_twice(tmp_path: Path) -> None:
    table = steps(["a"], [f"tag {number}" for number in range(30)])
    names = [figure.name for figure in curve_figures(table, "step")]
    assert names == ["curves", "curves-2", "curves-3"]
    other = pd.concat([table.assign(network=name) for name in ("a/b", "a b", "A-B")], ignore_index=True)
    names = [figure.name.casefold() for figure in curve_figures(other)]
    assert len(set(names)) == len(names) == 9
    assert not any("/" in name for name in names)


def test_of_more_runs_than_can_be_told_apart_the_first_are_drawn() -> None:
    runs = [f"run {number:02}" for number in range(MOST_RUNS + 3)]
    (figure,) = curve_figures(steps(runs, ["loss"]))
    assert runs[MOST_RUNS - 1] in figure.alt
    assert runs[MOST_RUNS] not in figure.alt


def test_names_with_signs_of_formulas_values_without_numbers_and_single_points_are_drawn(tmp_path: Path) -> None:
    table = steps([r"_$\frac{$", "b" * 90], [r"loss $x_{$", "_hidden"], length=1)
    table.loc[0, "value"] = np.nan
    table.loc[2, "value"] = np.inf
    (figure,) = curve_figures(table, "step")
    path = figure.save(tmp_path, LIGHT)
    assert not is_cut_off(path, LIGHT)
    assert near(LIGHT, 1, colours(path))
