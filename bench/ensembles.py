"""Model packages of networks that have learnt nothing, for what does not depend on what networks have learnt.

Their weights and statistics are drawn, so that their answers differ from image to image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file

from maskfold.recipe import Crop
from maskfold.scheme import JOINT, Attribute, Scheme
from maskfold.specs import ModelPackage, NetworkCard, PackagedFile, PackagedNetwork, Scores, model_name
from maskfold.specs.model import TrainingProfile
from maskfold.specs.network_card import HEADER, NetworkInput
from maskfold.training import backbones

CLASSES = 18


@dataclass(frozen=True)
class Untrained:
    """A network of such a package."""

    name: str
    backbone: str
    size: tuple[int, int]
    target: str = JOINT
    source: Literal["face", "portrait"] = "face"
    bins: int = 1
    """Trained classes of each class that counts."""
    precision: Literal["off", "bf16", "fp16"] = "off"


def write_package(
    folder: Path,
    networks: Sequence[Untrained],
    scheme: Scheme | None = None,
    crop: Crop | None = None,
    folds: int = 3,
    vote_weights: dict[str, float] | None = None,
) -> Path:
    """Write a package.

    Args:
        folder: Where to; it is created.
        networks: Which networks.
        scheme: What they predict; 18 joint classes by default.
        crop: What they look at.
        folds: Trainings of each.
        vote_weights: By network, or ``attributes``.

    Returns:
        The folder.
    """
    scheme = scheme or Scheme(attributes=(Attribute(name="kind", values=tuple(map(str, range(CLASSES)))),))
    crop = crop or Crop()
    folder.mkdir(parents=True)
    packaged = []
    for place, network in enumerate(networks):
        files = []
        for number in range(1, folds + 1):
            card = _card(network, scheme, crop)
            path = folder / f"{network.name}-{number}.safetensors"
            save_file(_weights(card, place * folds + number), path, metadata={HEADER: card.model_dump_json()})
            files.append(_packaged(path))
        packaged.append(
            PackagedNetwork(name=network.name, target=network.target, input=network.source, weights=tuple(files))
        )
    (folder / "README.md").write_text("# Untrained\n", encoding="utf-8")
    shares = (1 / scheme.n_classes,) * scheme.n_classes
    model = ModelPackage(
        name=model_name(scheme),
        key="0" * 16,
        recipe="untrained",
        scheme=scheme,
        crop=crop,
        typical_face=None,
        networks=tuple(packaged),
        vote_weights=vote_weights or {},
        temperature=1.0,
        training=TrainingProfile(
            images=1,
            people=1,
            label_shares=shares,
            answer_shares=shares,
            fallback_share=0.0,
            confidence=0.5,
            unsure_share=0.5,
            shorter_side=(100, 200, 300),
        ),
        dataset_version="none",
        ensemble_key="0" * 16,
        scores={"vote": Scores(macro_f1=0.0, accuracy=0.0, attributes={})},
        classes=(),
        slices=(),
        versions={},
        card=_packaged(folder / "README.md"),
    )
    (folder / "SHA256SUMS").write_text("", encoding="ascii")
    (folder / "model.json").write_text(model.model_dump_json(), encoding="utf-8")
    return folder


def _card(network: Untrained, scheme: Scheme, crop: Crop) -> NetworkCard:
    counted = tuple(number // network.bins for number in range(scheme.size(network.target) * network.bins))
    return NetworkCard(
        backbone=network.backbone,
        backbone_args={},
        input=NetworkInput(
            source=network.source, size=network.size, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        ),
        target=network.target,
        scheme=scheme,
        classes=tuple(f"class {number}" for number in range(len(counted))),
        counted_classes=counted,
        precision=network.precision,
        batch_size=64,
        crop=crop,
        typical_face=None,
    )


def _weights(card: NetworkCard, seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    model = backbones.rebuild(card.backbone, {}, len(card.classes), card.input.size)
    with torch.no_grad():
        # Statistics as after training, so that activations keep their size and answers differ between images.
        model.train()
        model(torch.randn(16, 3, *card.input.size))
        for name, value in model.named_parameters():
            if name.endswith(("classifier.weight", "fc.weight")):
                value.normal_(std=0.5)
    return {name: value.contiguous() for name, value in model.state_dict().items()}


def _packaged(path: Path) -> PackagedFile:
    content = path.read_bytes()
    return PackagedFile(name=path.name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
