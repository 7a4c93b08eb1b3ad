"""The job measure: how fast a network is trained here, with what it is asked to be built."""

import logging
from pathlib import Path

import pytest

from maskfold.errors import RecipeError
from maskfold.launch import entry
from maskfold.specs import MeasureOutcome, MeasureSpec
from maskfold.storage import open_workspace
from tasks import measure
from tests.training import drawn


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MeasureSpec:
    monkeypatch.setattr(measure, "SECONDS", 0.05)
    workspace = open_workspace(str(tmp_path / "workspace"))
    return MeasureSpec(
        workspace=workspace.uri, network=drawn.network(amp="auto"), classes=3, size=(64, 48), machine="this"
    )


def execute(spec: MeasureSpec) -> MeasureOutcome:
    return entry.run_spec(measure.run, spec, logging.getLogger("test"))


def test_a_network_is_measured_once(spec: MeasureSpec) -> None:
    found = execute(spec)
    assert found.images_per_second > 0
    assert found.predicted_per_second > 0
    assert 0 <= found.start <= found.seconds
    assert found.parameters > 0
    assert found.amp in ("off", "bf16")
    assert execute(spec) == found


def test_what_computes_is_part_of_the_question(spec: MeasureSpec) -> None:
    assert spec.model_copy(update={"machine": "another"}).key != spec.key
    assert spec.model_copy(update={"size": (32, 24)}).key != spec.key


def test_a_network_that_cannot_be_built_is_refused(spec: MeasureSpec) -> None:
    wrong = spec.model_copy(update={"network": drawn.network(backbone="tset_resnet")})
    with pytest.raises(RecipeError, match="Did you mean 'test_resnet"):
        execute(wrong)
