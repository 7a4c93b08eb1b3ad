"""The description in a trained network's file: all that is needed to use it on new photographs."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import PositiveInt

from maskfold.recipe import Crop
from maskfold.recipe.network import BackboneName
from maskfold.scheme import Scheme
from maskfold.settings import ChannelMeans, ChannelSpreads, ImageSize, Settings
from maskfold.specs.crop import TypicalFace

HEADER: Final = "maskfold"
"""Entry of a safetensors file's metadata that holds the card as JSON."""


class NetworkInput(Settings):
    """The input of a network: float32, (N, 3, height, width), RGB, (uint8 / 255 - mean) / std."""

    source: Literal["face", "portrait"]
    """The cropped face, or the whole photograph."""
    size: ImageSize
    mean: ChannelMeans
    std: ChannelSpreads


class NetworkCard(Settings):
    """A trained network without its weights, which are stored in the same file."""

    backbone: BackboneName
    backbone_args: dict[str, Any]
    """Keyword arguments that the backbone was built with."""
    input: NetworkInput
    target: str
    """`joint`, or the attribute that it predicts."""
    scheme: Scheme
    """The label scheme, including the training bounds."""
    classes: tuple[str, ...]
    """Names of the classes that it distinguishes, in the order of its logits."""
    counted_classes: tuple[int, ...]
    """For each of ``classes`` its class of the target; after softmax the probabilities are summed by this class."""
    precision: Literal["off", "bf16", "fp16"]
    """Mixed precision of its arithmetic, as in training."""
    batch_size: PositiveInt
    """Images in one batch of predictions."""
    crop: Crop
    """How faces were cropped."""
    typical_face: TypicalFace | None
    """Where to crop photographs in which no face is found."""
