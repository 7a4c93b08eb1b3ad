"""What a finished training leaves: predictions and weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from maskfold.specs import TrainSpec
from maskfold.training.backbones import Backbone
from maskfold.training.binning import counted_classes
from maskfold.training.data import FoldData, class_shares

SAMPLES = 64
"""Images of a contact sheet."""
_ACROSS = 8
_TILE = 128
"""Most height of a sheet's images, in pixels."""


def save_samples(folder: Path, images: NDArray[np.uint8]) -> Path:
    """Write a contact sheet as ``samples.png``: eight images across, larger ones reduced.

    Args:
        folder: Where to write.
        images: uint8, (N, H, W, 3), RGB.
    """
    count, height, width, _ = images.shape
    scale = min(1.0, _TILE / height)
    size = round(width * scale), round(height * scale)
    sheet = Image.new("RGB", (size[0] * min(count, _ACROSS), size[1] * -(-count // _ACROSS)), "white")
    for number, pixels in enumerate(images):
        down, across = divmod(number, _ACROSS)
        tile = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
        sheet.paste(tile, (across * size[0], down * size[1]))
    path = folder / "samples.png"
    sheet.save(path)
    return path


def save_predictions(
    folder: Path, data: FoldData, fold: int | None, valid: NDArray[np.float32], evaluation: NDArray[np.float32]
) -> Path:
    """Write the predictions of one fold's network as ``predictions.parquet``.

    Its columns are image, part ("valid" | "eval"), fold and p0 .. p{C-1}; validation rows come first.

    Args:
        folder: Where to write.
        data: The fold's data.
        fold: Its number; None, where nobody is held out, becomes -1.
        valid: Probabilities of the validation images, float32, (N, C).
        evaluation: Probabilities of the evaluation images, float32, (M, C). Those of images without pixels are
            replaced by the class shares of the training part.
    """
    shares = class_shares(data.counted[data.train.classes], valid.shape[1])
    evaluation = np.where(data.unreadable[:, None], shares, evaluation).astype(np.float32)
    table = pd.DataFrame(np.concatenate([valid, evaluation]), columns=[f"p{c}" for c in range(valid.shape[1])])
    table.insert(0, "image", np.concatenate([data.valid.images, data.evaluation.images]).astype(str))
    table.insert(1, "part", np.repeat(["valid", "eval"], [len(valid), len(evaluation)]))
    table.insert(2, "fold", np.int8(-1 if fold is None else fold))
    path = folder / "predictions.parquet"
    table.to_parquet(path, index=False)
    return path


def save_weights(
    folder: Path, model: dict[str, Tensor], spec: TrainSpec, backbone: Backbone, size: tuple[int, int]
) -> Path:
    """Write the kept weights as ``weights.safetensors``, whose header says all that new photographs need.

    Args:
        folder: Where to write.
        model: Weights and buffers, by name.
        spec: What was trained on what.
        backbone: How the network was built, and the scale of its inputs.
        size: Input height and width in pixels.
    """
    network = spec.network
    description = {
        "backbone": network.backbone,
        "backbone_args": backbone.arguments,
        "target": network.target,
        "scheme": spec.scheme.model_dump(mode="json"),
        "binning": {name: one.model_dump(mode="json") for name, one in network.binning.items()},
        "classes": network.taught(spec.scheme).class_names(network.target),
        "counted_classes": counted_classes(network, spec.scheme).tolist(),
        "input": {
            "from": network.input,
            "size": size,
            "layout": "NCHW float32 RGB: (uint8 / 255 - mean) / std",
            "mean": backbone.mean,
            "std": backbone.std,
        },
        "output": "logits of classes; softmax, then sum the probabilities by counted_classes",
        "crop": spec.crop.model_dump(mode="json"),
        "typical_face": spec.typical_face.model_dump(mode="json") if spec.typical_face else None,
    }
    path = folder / "weights.safetensors"
    save_file(model, path, metadata={"maskfold": json.dumps(description)})
    return path
