"""All networks of a model in one safetensors file.

The header's metadata has the model's description, the card of each training, and a digest of these and of all
tensors, which are called ``<file of the package>/<name>``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from maskfold.errors import CorruptDataError, RecipeError
from maskfold.inference.network import FinishedNetwork, read_card
from maskfold.inference.package import OpenPackage
from maskfold.specs import ModelPackage, NetworkCard
from maskfold.specs.network_card import HEADER
from maskfold.training import backbones

CARDS: Final = "cards"
DIGEST: Final = "sha256"


def write_combined(package: OpenPackage, path: Path) -> None:
    """Write all networks of a package into one file."""
    tensors: dict[str, torch.Tensor] = {}
    cards: dict[str, str] = {}
    for name, file in package.paths.items():
        if file.suffix == ".safetensors":
            cards[name] = read_card(file).model_dump_json()
            tensors |= {f"{name}/{tensor}": value for tensor, value in load_file(file).items()}
    described, listed = package.model.model_dump_json(), json.dumps(cards)
    metadata = {HEADER: described, CARDS: listed, DIGEST: _digest(described, listed, tensors)}
    save_file(tensors, path, metadata=metadata)


def read_combined(path: Path, device: torch.device) -> tuple[ModelPackage, dict[str, list[FinishedNetwork]]]:
    """Read a file and build its networks.

    Returns:
        The model's description, and the trainings of each network by its name.

    Raises:
        CorruptDataError: If maskfold did not write the file, or it was changed.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
        model = ModelPackage.model_validate_json(metadata.get(HEADER, ""))
        cards = {
            name: NetworkCard.model_validate_json(card) for name, card in json.loads(metadata.get(CARDS, "")).items()
        }
    except (SafetensorError, ValidationError, ValueError, AttributeError, OSError) as error:
        raise CorruptDataError(f"{path}: not a model that maskfold has exported: {error}") from None
    if metadata.get(DIGEST) != _digest(metadata[HEADER], metadata[CARDS], tensors):
        raise CorruptDataError(f"{path}: its content differs from its digest; it was changed. Export the model again")
    networks: dict[str, list[FinishedNetwork]] = {}
    for network in model.networks:
        names: Sequence[str] = [file.name for file in network.weights]
        networks[network.name] = [_build(cards, tensors, name, device, path) for name in names]
    return model, networks


def _build(
    cards: Mapping[str, NetworkCard], tensors: Mapping[str, torch.Tensor], name: str, device: torch.device, path: Path
) -> FinishedNetwork:
    prefix = f"{name}/"
    state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        card = cards[name]
        model = backbones.rebuild(card.backbone, card.backbone_args, len(card.classes), card.input.size)
        model.load_state_dict(state)
    except (KeyError, RecipeError, RuntimeError) as error:
        raise CorruptDataError(f"{path}: {name} does not fit the model's description: {error}") from None
    return FinishedNetwork(card, model.to(device=device, memory_format=torch.channels_last), device)  # type: ignore[call-overload]


def _digest(described: str, cards: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the sha256 of the texts and of all tensors with their names, types and shapes."""
    digest = hashlib.sha256(json.dumps([described, cards]).encode())
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
