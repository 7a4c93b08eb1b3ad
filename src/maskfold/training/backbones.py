"""Networks from timm and from this package, with initial weights from the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from maskfold import torchvision_ops  # noqa: F401 - before timm, which imports torchvision
from maskfold.errors import InvariantError, RecipeError, WeightsError
from maskfold.recipe import Network
from maskfold.specs import Weights
from maskfold.training.arguments import wrong_arguments
from maskfold.training.darknet import Darknet53
from maskfold.training.randomness import Position, Purpose
from maskfold.training.trunk import classifier_prefixes, load_trunk
from maskfold.wording import did_you_mean

import timm  # isort: skip
from timm.data import resolve_model_data_config  # isort: skip

RGB = tuple[float, float, float]

OWN: Final[Mapping[str, Callable[..., nn.Module]]] = {"darknet53": Darknet53}
"""Networks of this package, used in place of timm's of the same name."""
TIMM_ARGUMENTS: Final[Mapping[str, Mapping[str, Any]]] = {"darknet53": {"negative_slope": 0.01}}
"""Arguments with which networks of this package compute the same as timm's of that name, for its weights."""


@dataclass(frozen=True)
class Backbone:
    """A network ready to be trained."""

    model: nn.Module
    """Takes float32, (N, 3, H, W), normalised; returns logits, (N, classes)."""
    mean: RGB
    """Of the input, in 0..1."""
    std: RGB
    initial_weights: str
    """What was loaded, for people."""
    arguments: dict[str, Any]
    """Keyword arguments that it was built with."""


def check_backbone(name: str) -> None:
    """Make sure that a backbone is timm's or this package's.

    Raises:
        RecipeError: If it is neither, with the closest name.
    """
    if name in OWN or timm.is_model(name):
        return
    raise RecipeError(
        f"backbone {name!r}: unknown; expected the name of a timm model (timm.list_models() lists them)."
        f"{did_you_mean(name.partition('.')[0], timm.list_models(), limit=3)}"
    )


def build(
    network: Network,
    classes: int,
    place: Position,
    size: tuple[int, int],
    weights: Weights | None = None,
    file: Path | None = None,
    measure: Callable[[], tuple[RGB, RGB]] | None = None,
) -> Backbone:
    """Build a network with a fresh head, and load initial weights into its trunk.

    Args:
        network: ``backbone`` and ``backbone_args``; the latter override the weights' own arguments.
        classes: Size of its output.
        place: Seed and fold, which determine the random weights.
        size: Input height and width in pixels, passed to networks that are built for one size.
        weights: Initial weights, or none to start from random ones.
        file: The weights' local file.
        measure: Returns mean and standard deviation of the training images, for networks normalised by the data.

    Raises:
        RecipeError: If timm does not know the backbone or its arguments.
        WeightsError: If the file does not fit.
    """
    check_backbone(network.backbone)
    arguments = {**(weights.backbone_args if weights else {}), **network.backbone_args}
    torch.manual_seed(place.torch_seed(Purpose.INITIAL_WEIGHTS))
    sized = {**_size_arguments(network.backbone, size), **arguments}
    model = _create(network.backbone, classes, sized, f"networks.{network.name}")
    _draw_head(model)
    initial = "none: random initialisation"
    if weights is not None and file is not None:
        initial = load_trunk(model, file, weights.origin, network.pretrained == "required")
    mean, std = _normalisation(network, model, weights, measure)
    return Backbone(
        model=model,
        mean=mean,
        std=std,
        initial_weights=initial,
        arguments=arguments,
    )


def rebuild(backbone: str, arguments: Mapping[str, Any], classes: int, size: tuple[int, int]) -> nn.Module:
    """Rebuild a trained network, for its weights to be loaded.

    Args:
        backbone: Name of the backbone.
        arguments: Keyword arguments that it was built with.
        classes: Size of its output.
        size: Input height and width in pixels.

    Raises:
        RecipeError: If timm does not know the backbone or its arguments.
    """
    check_backbone(backbone)
    return _create(backbone, classes, {**_size_arguments(backbone, size), **arguments}, backbone)


def try_out(
    network: Network, classes: int, size: tuple[int, int], weights: Weights | None, file: Path | None
) -> tuple[int, str]:
    """Build a network as training would and run it on one image.

    Args:
        network: Its settings.
        classes: Size of its output.
        size: Input height and width in pixels.
        weights: Initial weights, or none.
        file: The weights' local file.

    Returns:
        The number of its trainable parameters, and what was loaded, for people.

    Raises:
        RecipeError: If timm does not know the backbone or its arguments, or it cannot take images of this size.
        WeightsError: If the file does not fit, or the network computes no finite numbers with it.
    """
    place = Position(network.seed, 0)
    backbone = build(network, classes, place, size, weights, file, lambda: ((0.5,) * 3, (0.5,) * 3))
    model = backbone.model.eval()
    try:
        with torch.inference_mode():
            answer = model(torch.linspace(-2, 2, 3 * size[0] * size[1]).reshape(1, 3, *size))
    except RuntimeError as error:
        raise RecipeError(
            f"networks.{network.name}: {network.backbone} cannot process images of {size[0]} x {size[1]} pixels "
            f"(height x width): {str(error).splitlines()[0]}. Set another size, or another backbone."
        ) from error
    if weights is not None and not answer.isfinite().all():
        raise WeightsError(
            f"weights {weights.origin}: with them {network.backbone} answers an image with values that are not "
            "finite numbers (NaN or infinity), though all of theirs are; the file is damaged, or its training has "
            "failed: use another file"
        )
    return sum(
        parameter.numel() for parameter in model.parameters() if parameter.requires_grad
    ), backbone.initial_weights


def _normalisation(
    network: Network, model: nn.Module, weights: Weights | None, measure: Callable[[], tuple[RGB, RGB]] | None
) -> tuple[RGB, RGB]:
    wanted = network.normalisation
    if wanted.source == "data":
        if measure is None:
            raise InvariantError("normalisation by the data needs a measurement of the data")
        return measure()
    if wanted.mean is not None and wanted.std is not None:
        return wanted.mean, wanted.std
    known = resolve_model_data_config(model)
    return (weights and weights.mean) or tuple(known["mean"]), (weights and weights.std) or tuple(known["std"])


def _size_arguments(name: str, size: tuple[int, int]) -> dict[str, Any]:
    config = timm.get_pretrained_cfg(name)
    return {"img_size": size} if config is not None and config.fixed_input_size else {}


def _create(backbone: str, classes: int, arguments: dict[str, Any], where: str) -> nn.Module:
    wrong = wrong_arguments(arguments)
    if wrong:
        raise RecipeError(
            f"{where}: {backbone} cannot be built with {arguments}: {wrong}. "
            "Correct backbone_args (or the arguments beside the weights file)."
        )
    try:
        if backbone in OWN:
            return OWN[backbone](num_classes=classes, **arguments)
        model: nn.Module = timm.create_model(backbone, pretrained=False, num_classes=classes, **arguments)
    except Exception as error:  # constructors raise errors of any type for bad arguments
        raise RecipeError(
            f"{where}: {backbone} cannot be built with {arguments}: {error}. "
            "Correct backbone_args (or the arguments beside the weights file)."
        ) from error
    return model


def _draw_head(model: nn.Module) -> None:
    """Draw the classifier small (as MobileNetV2's of torchvision), so that the first steps do not disturb the trunk.

    Several of timm's families scale it by the number of classes instead of inputs. With 3 classes on a pretrained
    trunk the first epoch's loss was 4.3 (chance is 1.1; now 0.8), and the last validation loss 3.4 (now 2.4).
    """
    heads = {prefix.rstrip(".") for prefix in classifier_prefixes(model)}
    for name, module in model.named_modules():
        if name in heads and isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)
