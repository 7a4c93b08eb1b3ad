from __future__ import annotations

import pytest

from maskfold.report.figures import run_figures
from maskfold.report.picture import Picture, draw
from tests.ensemble.synthetic import Run, World, run_of


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with joint and attribute networks, one unreadable evaluation image and every class present."""
    world = World(n_people=36, unreadable=[1], ages=[20, 20, 40, 40, 60, 60])
    return run_of(world, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def pictures(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    figures = run_figures(finished_run.spec.recipe, finished_run.combination, finished_run.spec.trained)
    return draw(figures, tmp_path_factory.mktemp("pictures"), lambda done, total: None)
