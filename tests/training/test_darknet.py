"""Darknet-53 beside the paper's table and timm's network of that name."""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from maskfold import torchvision_ops  # noqa: F401 - before timm
from maskfold.specs import File, Weights
from maskfold.training import hub
from maskfold.training.backbones import TIMM_ARGUMENTS
from maskfold.training.darknet import Darknet53
from maskfold.training.randomness import Position
from tests.training import drawn

import timm  # isort: skip


@cache
def theirs() -> nn.Module:
    return timm.create_model("darknet53", pretrained=False, num_classes=3).eval()


def count(model: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in model.modules())


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in model.state_dict().items()}


def test_it_has_53_layers_with_weights_and_as_many_parameters_as_timms():
    ours = Darknet53(num_classes=3)
    assert count(ours, nn.Conv2d) + count(ours, nn.Linear) == 53
    for kind in (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.LeakyReLU):
        assert count(ours, kind) == count(theirs(), kind)
    assert shapes(ours) == shapes(theirs())


def test_its_activations_have_the_papers_slope():
    slopes = {module.negative_slope for module in Darknet53().modules() if isinstance(module, nn.LeakyReLU)}
    assert slopes == {0.1}


def test_with_timms_weights_and_slope_it_gives_timms_answers():
    torch.manual_seed(0)
    ours = Darknet53(num_classes=3, **TIMM_ARGUMENTS["darknet53"]).eval()
    for value in theirs().state_dict().values():  # fresh batch norms would hide exchanged ones
        if value.is_floating_point() and value.ndim == 1:
            value.uniform_(0.5, 1.5)
    ours.load_state_dict(theirs().state_dict())
    images = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs()(images), rtol=1e-4, atol=1e-5)


def test_the_picture_is_halved_five_times_with_the_tables_channels():
    model = Darknet53().eval()
    found = []
    with torch.inference_mode():
        features = model.stem(torch.zeros(1, 3, 256, 256))
        for stage in model.stages:
            features = stage(features)
            found.append(tuple(features.shape[1:]))
    assert found == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16), (1024, 8, 8)]


def test_the_recipes_darknet53_is_ours():
    backbone = drawn.build(
        drawn.network(backbone="darknet53", backbone_args={"drop_rate": 0.3}), Position(0, 0), (64, 48)
    )
    assert isinstance(backbone.model, Darknet53)
    assert backbone.model.head.drop.p == 0.3
    assert backbone.mean == (0.485, 0.456, 0.406)
    assert backbone.model.head.fc.weight.std() < 0.02  # the head is drawn small, as every backbone's


def test_weights_from_the_hub_come_with_the_slope_they_were_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def create(name: str, pretrained: bool) -> nn.Module:
        return made(name, pretrained=False)

    made = timm.create_model
    monkeypatch.setattr(hub, "_hub_fault", lambda: None)
    monkeypatch.setattr(hub.timm, "create_model", create)
    path = tmp_path / "darknet53.safetensors"
    found = hub.download("darknet53", path)
    assert found.arguments == {"negative_slope": 0.01}
    file = File(path="darknet53.safetensors", sha256="0" * 64, size=1)
    weights = Weights(file=file, mean=found.mean, std=found.std, origin=found.origin, backbone_args=found.arguments)
    backbone = drawn.build(drawn.network(backbone="darknet53"), Position(0, 0), (64, 48), weights, path)
    assert "left random: head.fc.weight, head.fc.bias" in backbone.initial_weights
    slopes = {module.negative_slope for module in backbone.model.modules() if isinstance(module, nn.LeakyReLU)}
    assert slopes == {0.01}
