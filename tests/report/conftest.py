from __future__ import annotations

from typing import NamedTuple

import pytest

from maskfold.ensemble.combination import Combination, combine
from maskfold.report.figures import run_figures
from maskfold.report.page import Picture, draw
from maskfold.specs import EnsembleSpec
from maskfold.storage import open_workspace
from tests.ensemble.synthetic import World, spec


class Run(NamedTuple):
    spec: EnsembleSpec
    combination: Combination


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with joint and attribute networks, one unreadable evaluation image and every class present."""
    folder = tmp_path_factory.mktemp("report")
    world = World(n_people=36, unreadable=[1], ages=[20, 20, 40, 40, 60, 60])
    made = spec(world, open_workspace(str(folder / "workspace")), folder)
    return Run(made, combine(world.recipe, world.manifest, world.folds, world.tables))


@pytest.fixture(scope="session")
def pictures(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    figures = run_figures(finished_run.spec.recipe, finished_run.combination, finished_run.spec.trained)
    return draw(figures, tmp_path_factory.mktemp("pictures"), lambda done, total: None)
