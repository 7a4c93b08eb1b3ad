"""Files of a finished training: predictions, weights and a contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from maskfold.specs import NetworkCard
from maskfold.specs.network_card import HEADER
from maskfold.training.data import Part

SAMPLES = 64
"""Images of a contact sheet."""
_ACROSS = 8
_TILE = 128
"""Largest height of a sheet's images, in pixels."""


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


def save_predictions(folder: Path, valid: Part, fold: int, probabilities: NDArray[np.float32]) -> Path:
    """Write the predictions of one fold's network as ``predictions.parquet``.

    Its columns are image, part ("valid"), fold and p0 .. p{C-1}.

    Args:
        folder: Where to write.
        valid: The images that the fold held out.
        fold: Its number.
        probabilities: Of these images, float32, (N, C).
    """
    table = pd.DataFrame(probabilities, columns=[f"p{c}" for c in range(probabilities.shape[1])])
    table.insert(0, "image", valid.images.astype(str))
    table.insert(1, "part", "valid")
    table.insert(2, "fold", np.int8(fold))
    path = folder / "predictions.parquet"
    table.to_parquet(path, index=False)
    return path


def save_weights(folder: Path, model: dict[str, Tensor], card: NetworkCard) -> Path:
    """Write the kept weights as ``weights.safetensors``, with the network's card in its header.

    Args:
        folder: Where to write.
        model: Weights and buffers, by name.
        card: Everything that predictions for new photographs need.
    """
    path = folder / "weights.safetensors"
    save_file(model, path, metadata={HEADER: card.model_dump_json()})
    return path
