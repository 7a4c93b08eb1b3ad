import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from maskfold import torchvision_ops  # noqa: F401 - before timm
from maskfold.errors import RecipeError, WeightsError
from maskfold.recipe import Network
from maskfold.specs import File, Weights
from maskfold.training.backbones import Backbone, try_out
from maskfold.training.randomness import Position
from tests.training import drawn

from timm.layers import resample_abs_pos_embed  # isort: skip

PLACE = Position(0, 0)
SHARED = Path(__file__).parents[3] / "shared" / "weights"


def described(**fields: object) -> Weights:
    file = File(path="weights.safetensors", sha256="0" * 64, size=1)
    return Weights.model_validate({"file": file, "origin": "somewhere", **fields})


def built(tmp_path: Path, tensors: dict[str, Tensor], network: Network | None = None, **fields: object) -> Backbone:
    path = tmp_path / "weights.safetensors"
    save_file(tensors, path)
    return drawn.build(network or drawn.network(), PLACE, drawn.SIZE, described(**fields), path)


@pytest.fixture
def trunk() -> dict[str, Tensor]:
    """Weights of the tiny network under another seed, without classifier."""
    model = drawn.build(drawn.network(), Position(1, 0), drawn.SIZE).model
    return {name: value.clone() for name, value in model.state_dict().items() if not name.startswith("fc.")}


@pytest.mark.parametrize(("target", "classes"), [("joint", 18), ("mask", 3), ("gender", 2), ("age", 3)])
def test_the_head_has_the_targets_classes(target: str, classes: int):
    model = drawn.build(drawn.network(target=target), PLACE, drawn.SIZE).model
    assert model(torch.zeros(2, 3, *drawn.SIZE)).shape == (2, classes)


@pytest.mark.parametrize("backbone", ["mobilenetv2_035", "test_efficientnet", "resnet18"])
def test_a_fresh_network_is_undecided(backbone: str):
    model = drawn.build(drawn.network(backbone=backbone), PLACE, (64, 48)).model.eval()
    pixels = torch.randn(8, 3, 64, 48)
    assert torch.allclose(model(pixels).softmax(dim=1), torch.full((8, 3), 1 / 3), atol=0.25)


def test_random_weights_depend_on_seed_and_fold_alone():
    first, again, fold, seed = (
        drawn.build(drawn.network(), place, drawn.SIZE).model.state_dict()["fc.weight"]
        for place in (Position(0, 0), Position(0, 0), Position(0, 1), Position(1, 0))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, fold)
    assert not torch.equal(first, seed)


def test_an_unknown_backbone_is_answered_with_the_closest_names():
    with pytest.raises(RecipeError, match=r"'mobilnetv2_035': unknown; .* Did you mean .*mobilenetv2_035"):
        drawn.build(drawn.network(backbone="mobilnetv2_035"), PLACE, drawn.SIZE)


def test_an_unknown_backbone_argument_is_the_users_to_mend():
    with pytest.raises(RecipeError, match=r"networks.tiny: .*'depth': 3.*Correct backbone_args"):
        drawn.build(drawn.network(backbone_args={"depth": 3}), PLACE, drawn.SIZE)


def test_backbone_arguments_reach_the_backbone_and_win_over_the_weights_own(tmp_path: Path, trunk: dict[str, Tensor]):
    network = drawn.network(backbone_args={"drop_rate": 0.25})
    backbone = built(tmp_path, trunk, network, backbone_args={"drop_rate": 0.5, "drop_path_rate": 0.1})
    assert backbone.model.drop_rate == 0.25
    assert backbone.arguments == {"drop_rate": 0.25, "drop_path_rate": 0.1}


def test_a_trunk_without_classifier_is_loaded_whole(tmp_path: Path, trunk: dict[str, Tensor]):
    backbone = built(tmp_path, trunk)
    loaded = backbone.model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in trunk.items())
    assert f"somewhere: {len(trunk)} of {len(loaded)} tensors loaded" in backbone.initial_weights
    assert "left random: fc.weight, fc.bias" in backbone.initial_weights


def test_a_classifier_of_other_classes_is_left_out(tmp_path: Path, trunk: dict[str, Tensor]):
    backbone = built(tmp_path, {**trunk, "fc.weight": torch.ones(1000, 96), "fc.bias": torch.ones(1000)})
    assert backbone.model.state_dict()["fc.weight"].shape == (3, 96)
    assert "not used: fc.bias, fc.weight" in backbone.initial_weights


def test_a_missing_part_of_the_trunk_is_told(
    tmp_path: Path, trunk: dict[str, Tensor], caplog: pytest.LogCaptureFixture
):
    missing = next(iter(trunk))
    with caplog.at_level(logging.WARNING):
        backbone = built(tmp_path, {name: value for name, value in trunk.items() if name != missing})
    assert missing in backbone.initial_weights
    assert f"1 tensors of the trunk are not in the file: {missing}" in caplog.text


def test_another_shape_in_the_trunk_is_refused(tmp_path: Path, trunk: dict[str, Tensor]):
    with pytest.raises(WeightsError, match=r"somewhere: 1 tensors have other shapes .* conv1.0.weight: \(1, 2\) in"):
        built(tmp_path, {**trunk, "conv1.0.weight": torch.zeros(1, 2)})


def test_a_file_that_fits_nothing_is_refused(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"no tensor fits the network: the file has fc\.bias, features\.0"):
        built(tmp_path, {"features.0": torch.zeros(3), "fc.bias": torch.zeros(3)})


def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"pickled, perhaps")
    with pytest.raises(WeightsError, match="somewhere: not a readable safetensors file"):
        drawn.build(drawn.network(), PLACE, drawn.SIZE, described(), path)


def test_normalisation_is_the_weights_else_timms(tmp_path: Path, trunk: dict[str, Tensor]):
    assert drawn.build(drawn.network(backbone="resnet18"), PLACE, drawn.SIZE).mean == (0.485, 0.456, 0.406)
    backbone = built(tmp_path, trunk, mean=(0.1, 0.2, 0.3))
    assert (backbone.mean, backbone.std) == ((0.1, 0.2, 0.3), (0.5, 0.5, 0.5))


def test_networks_built_for_one_size_are_told_the_size():
    model = drawn.build(drawn.network(backbone="vit_tiny_patch16_224"), PLACE, (64, 48)).model
    assert model(torch.zeros(1, 3, 64, 48)).shape == (1, 3)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no trunk weights beside the project")
def test_real_trunk_weights_load_whole_and_see_alike_whatever_the_seed():
    fields = json.loads((SHARED / "mobilenetv2_035.json").read_text())
    weights = described(**{name: fields[name] for name in ("backbone_args", "mean", "std")})
    network = drawn.network(backbone="mobilenetv2_035")
    first, second = (
        drawn.build(network, Position(seed, 0), (64, 48), weights, SHARED / "mobilenetv2_035.safetensors")
        for seed in (0, 1)
    )
    assert "312 of 314 tensors loaded" in first.initial_weights
    pixels = torch.rand(2, 3, 64, 48)
    features = [backbone.model.eval().forward_features(pixels) for backbone in (first, second)]
    assert torch.equal(*features)
    assert features[0].std() > 0.1


def test_normalisation_is_the_backbones_the_datas_or_given():
    measured = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))

    def found(setting: object) -> tuple[object, object]:
        network = drawn.network(normalisation=setting)
        backbone = drawn.build(network, PLACE, drawn.SIZE, measure=lambda: measured)
        return backbone.mean, backbone.std

    assert found("network") == ((0.5,) * 3, (0.5,) * 3)
    assert found("data") == measured
    given = {"source": "given", "mean": (0.534, 0.487, 0.459), "std": (0.237, 0.243, 0.251)}
    assert found(given) == (given["mean"], given["std"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("given", "source given needs mean and std"),
        ({"mean": [0.5, 0.5, 0.5]}, "mean is set, but source is network"),
        ({"source": "given", "mean": [0, 0, 0], "std": [0, 1, 1]}, "greater than 0"),
        ("dataset", "'network', 'data' or 'given'"),
    ],
)
def test_a_normalisation_that_says_two_things_is_refused(setting: object, message: str):
    with pytest.raises(ValueError, match=message):
        drawn.network(normalisation=setting)


def test_the_datas_normalisation_needs_no_weights_own(tmp_path: Path, trunk: dict[str, Tensor]):
    path = tmp_path / "weights.safetensors"
    save_file(trunk, path)
    weights = described(mean=(0.1, 0.1, 0.1), std=(0.2, 0.2, 0.2))
    network = drawn.network(normalisation="data")
    assert drawn.build(drawn.network(), PLACE, drawn.SIZE, weights, path).mean == (0.1, 0.1, 0.1)
    measured = drawn.build(network, PLACE, drawn.SIZE, weights, path, lambda: ((0.7,) * 3, (0.3,) * 3))
    assert (measured.mean, measured.std) == ((0.7,) * 3, (0.3,) * 3)


def test_required_weights_hold_most_of_the_trunk(tmp_path: Path, trunk: dict[str, Tensor]):
    largest = max(trunk, key=lambda name: trunk[name].numel())
    little = {name: value for name, value in trunk.items() if value.numel() < trunk[largest].numel() // 4}
    with pytest.raises(WeightsError, match=r"only [0-9.]+% of the trunk's numbers .*pretrained is required"):
        built(tmp_path, little, drawn.network(pretrained="required"))
    assert built(tmp_path, little, drawn.network(pretrained="if-available")).initial_weights.startswith("somewhere")
    built(tmp_path, trunk, drawn.network(pretrained="required"))


@pytest.mark.parametrize("pretrained", ["required", "if-available"])
def test_counters_alone_are_no_weights(tmp_path: Path, trunk: dict[str, Tensor], pretrained: str):
    counters = {name: value for name, value in trunk.items() if name.endswith("num_batches_tracked")}
    assert counters
    with pytest.raises(WeightsError, match="no tensor fits the network"):
        built(tmp_path, counters, drawn.network(pretrained=pretrained))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, trunk: dict[str, Tensor], value: float):
    name = next(iter(trunk))
    with pytest.raises(WeightsError, match=rf"{name} has values that are not finite"):
        built(tmp_path, {**trunk, name: torch.full_like(trunk[name], value, dtype=torch.float64)})


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_numbers_that_are_not_real_are_refused(tmp_path: Path, trunk: dict[str, Tensor], dtype: torch.dtype):
    name = next(iter(trunk))
    with pytest.raises(WeightsError, match=rf"{name} has values of type {str(dtype)[6:]}, .* not quantized"):
        built(tmp_path, {**trunk, name: torch.ones_like(trunk[name], dtype=dtype)})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_is_converted(tmp_path: Path, trunk: dict[str, Tensor], dtype: torch.dtype):
    given = {name: value.to(dtype) if value.is_floating_point() else value for name, value in trunk.items()}
    loaded = built(tmp_path, given).model.state_dict()
    assert all(torch.equal(loaded[name], value.to(loaded[name].dtype)) for name, value in given.items())


@pytest.mark.parametrize(("suffix", "value"), [("running_var", -1.0), ("conv1.weight", 1e37)])
def test_finite_numbers_that_compute_none_are_refused_before_training(
    tmp_path: Path, trunk: dict[str, Tensor], suffix: str, value: float
):
    name = next(name for name in trunk if name.endswith(suffix))
    path = tmp_path / "weights.safetensors"
    save_file({**trunk, name: torch.full_like(trunk[name], value)}, path)
    network = drawn.network(backbone="test_resnet")
    with pytest.raises(WeightsError, match="answers an image with values that are not finite"):
        try_out(network, 3, drawn.SIZE, described(), path)


def test_a_head_of_another_form_is_not_used(tmp_path: Path, trunk: dict[str, Tensor]):
    head = drawn.build(drawn.network(), Position(1, 0), drawn.SIZE).model.state_dict()["fc.weight"]
    found = built(tmp_path, {**trunk, "fc.weight": head.T.contiguous()})
    assert "not used: fc.weight" in found.initial_weights
    assert found.model.state_dict()["fc.weight"].shape == head.shape


def test_position_embeddings_of_another_size_are_resampled(tmp_path: Path):
    network = drawn.network(backbone="vit_tiny_patch16_224", pretrained="required")
    other = drawn.build(network, Position(1, 0), (96, 96)).model.state_dict()
    path = tmp_path / "weights.safetensors"
    save_file({name: value for name, value in other.items() if not name.startswith("head.")}, path)
    loaded = drawn.build(network, PLACE, (64, 48), described(), path).model
    assert loaded.pos_embed.shape == (1, 1 + 4 * 3, 192)
    assert torch.equal(loaded.state_dict()["blocks.0.attn.qkv.weight"], other["blocks.0.attn.qkv.weight"])
    expected = resample_abs_pos_embed(other["pos_embed"], (4, 3))
    assert torch.allclose(loaded.pos_embed, expected)


def test_weights_of_another_transformer_are_still_refused(tmp_path: Path):
    other = drawn.build(drawn.network(backbone="vit_small_patch16_224"), PLACE, (64, 48)).model.state_dict()
    path = tmp_path / "weights.safetensors"
    save_file(other, path)
    with pytest.raises(WeightsError, match="tensors have other shapes"):
        drawn.build(drawn.network(backbone="vit_tiny_patch16_224"), PLACE, (64, 48), described(), path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"checkpoint_path": "/etc/passwd"},
        {"pretrained": True},
        {"cache_dir": "/tmp/x"},
        {"pretrained_cfg": {"file": "/etc/passwd"}},
        {"drop_rate": 5},
        {"drop_rate": "0.5"},
        {"drop_rate": float("nan")},
        {"depth": 10**9},
        {"global_pool": "/etc"},
        {"img_size": [10**6, 10**6]},
    ],
)
def test_only_known_arguments_within_bounds_reach_a_backbone(tmp_path: Path, trunk: dict[str, Tensor], arguments: Any):
    with pytest.raises(RecipeError, match=r"cannot be built with .*Correct backbone_args"):
        drawn.build(drawn.network(backbone_args=arguments), PLACE, drawn.SIZE)
    with pytest.raises(RecipeError, match=r"cannot be built with"):
        built(tmp_path, trunk, backbone_args=arguments)
