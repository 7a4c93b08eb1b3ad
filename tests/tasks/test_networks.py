"""The job networks: what is wrong with a network is said before anything is trained."""

import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from maskfold.errors import RecipeError, WeightsError
from maskfold.launch import entry
from maskfold.specs import NetworksOutcome, NetworksSpec, Weights
from maskfold.storage import Workspace, open_workspace
from tasks.networks import run
from tests.training import drawn

import timm  # isort: skip - after maskfold.torchvision_ops, which lets it import torchvision


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def execute(workspace: Workspace, weights: dict[str, Weights] | None = None, **settings: object) -> NetworksOutcome:
    networks = (drawn.network(**settings), drawn.network(name="second", target="age"))
    spec = NetworksSpec(
        workspace=workspace.uri,
        networks=networks,
        classes=(3, 3),
        sizes=((64, 48), (32, 24)),
        weights=weights or {},
    )
    outcome = entry.run_spec(run, spec, logging.getLogger("test"))
    assert isinstance(outcome, NetworksOutcome)
    return outcome


def given(workspace: Workspace, file: Path) -> dict[str, Weights]:
    return {"test_resnet": Weights(file=workspace.publish(file, "inputs/w.safetensors"), origin="w.safetensors")}


def test_parameters_are_counted(workspace: Workspace) -> None:
    expected = sum(p.numel() for p in timm.create_model("test_resnet", num_classes=3).parameters())
    assert execute(workspace).parameters == {"tiny": expected, "second": expected}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "tset_resnet"}, "Did you mean 'test_resnet"),
        ({"backbone_args": {"no_such_thing": 1}}, "networks.tiny: test_resnet cannot be built with .*no_such_thing"),
        ({"backbone": "vgg11", "backbone_args": {"global_pool": ""}}, "networks.tiny: vgg11 cannot"),
    ],
)
def test_a_wrong_network_is_refused(workspace: Workspace, settings: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        execute(workspace, **settings)


def test_weights_that_are_none_or_of_another_network_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"\x00" * 100)
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        execute(workspace, given(workspace, garbage))
    other = tmp_path / "other.safetensors"
    save_file({"nothing.of.it": torch.zeros(1)}, other)
    with pytest.raises(WeightsError, match="no tensor fits the network"):
        execute(workspace, given(workspace, other))


def test_other_weights_are_tried_anew(workspace: Workspace, tmp_path: Path) -> None:
    keys = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        file = tmp_path / f"{seed}.safetensors"
        save_file({"conv1.0.weight": torch.randn(1)}, file)
        weights = given(workspace, file)
        where = {"workspace": "w", "networks": (drawn.network(),), "classes": (3,), "sizes": ((8, 8),)}
        keys.add(NetworksSpec(**where, weights=weights).key)
        moved = {name: one.model_copy(update={"origin": "elsewhere"}) for name, one in weights.items()}
        keys.add(NetworksSpec(**where, weights=moved).key)
    assert len(keys) == 2
