"""A finished network, rebuilt from its file alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from maskfold.errors import CorruptDataError, RecipeError
from maskfold.scheme import IntArray
from maskfold.specs import NetworkCard
from maskfold.specs.network_card import HEADER
from maskfold.training import backbones
from maskfold.training.binning import merged
from maskfold.training.images import Images
from maskfold.training.prediction import InputScale, probabilities


@dataclass(frozen=True)
class FinishedNetwork:
    """A network and the card of its file."""

    card: NetworkCard
    model: torch.nn.Module
    device: torch.device

    @classmethod
    def load(cls, path: Path, device: torch.device) -> Self:
        """Rebuild a network from its safetensors file.

        Args:
            path: A training's ``weights.safetensors``.
            device: Where it computes.

        Raises:
            CorruptDataError: If maskfold did not write the file, or its weights do not fit its card.
        """
        try:
            card = read_card(path)
            model = backbones.rebuild(card.backbone, card.backbone_args, len(card.classes), card.input.size)
            model.load_state_dict(load_file(path))
        except (RecipeError, RuntimeError, SafetensorError) as error:
            raise CorruptDataError(f"{path}: the weights do not fit the network's card: {error}") from None
        return cls(card, model.to(device=device, memory_format=torch.channels_last), device)  # type: ignore[call-overload]

    def predict(
        self, images: Images, rows: IntArray, before_batch: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """Return the probabilities of the target's classes, float32, (N, classes), of rows of a pack.

        Args:
            images: A pack of the network's input size.
            rows: Rows of it, int64, (N,).
            before_batch: Called before each batch; may raise to stop.
        """
        card = self.card
        scale = InputScale(card.input.mean, card.input.std, self.device)
        found = probabilities(
            self.model,
            images,
            rows,
            len(card.classes),
            card.batch_size,
            scale,
            card.precision,
            self.device,
            before_batch,
        )
        return merged(found, np.array(card.counted_classes, dtype=np.int64))


def read_card(path: Path) -> NetworkCard:
    """Read the card of a network's file.

    Raises:
        CorruptDataError: If the file is not a safetensors file that maskfold wrote.
    """
    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get(HEADER, "")
        return NetworkCard.model_validate_json(header)
    except (SafetensorError, ValidationError, OSError) as error:
        raise CorruptDataError(f"{path}: not a network that maskfold has trained: {error}") from None
