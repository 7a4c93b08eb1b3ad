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

from maskfold.recipe import Network
from maskfold.training import ages
from maskfold.training.backbones import Backbone
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
    shares = class_shares(data.official[data.train.classes], valid.shape[1])
    evaluation = np.where(data.unreadable[:, None], shares, evaluation).astype(np.float32)
    table = pd.DataFrame(np.concatenate([valid, evaluation]), columns=[f"p{c}" for c in range(valid.shape[1])])
    table.insert(0, "image", np.concatenate([data.valid.images, data.evaluation.images]).astype(str))
    table.insert(1, "part", np.repeat(["valid", "eval"], [len(valid), len(evaluation)]))
    table.insert(2, "fold", np.int8(-1 if fold is None else fold))
    path = folder / "predictions.parquet"
    table.to_parquet(path, index=False)
    return path


def save_weights(
    folder: Path, model: dict[str, Tensor], network: Network, backbone: Backbone, size: tuple[int, int]
) -> Path:
    """Write the kept weights as ``weights.safetensors``; the header says how to rebuild and feed the network."""
    description = {
        "backbone": network.backbone,
        "backbone_args": backbone.arguments,
        "target": network.target,
        "input": network.input,
        "classes": ages.n_trained(network.target, network.ages),
        "age_bins": network.ages.bins,
        "size": size,
        "mean": backbone.mean,
        "std": backbone.std,
    }
    path = folder / "weights.safetensors"
    save_file(model, path, metadata={"maskfold": json.dumps(description)})
    return path
