"""Predicting as a plain script does it: the baseline of `bench_predict.py`.

Photograph by photograph: Pillow, facenet-pytorch's MTCNN with its defaults, the most probable box resized by Pillow,
and timm networks one after the other. Nothing is slow on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import maskfold.torchvision_ops  # noqa: F401  before facenet_pytorch and timm
from maskfold.inference.network import read_card
from maskfold.inference.package import OpenPackage

import timm  # isort: skip
from facenet_pytorch import MTCNN  # isort: skip
from safetensors.torch import load_file  # isort: skip

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class StraightforwardLoop:
    """Finds faces and votes, image by image.

    Args:
        package: Whose joint networks of faces vote.
    """

    def __init__(self, package: OpenPackage) -> None:
        self._mtcnn = MTCNN(keep_all=True)
        self._networks = plain_networks(package)
        self._height, self._width = package.model.crop.face_size

    def predict(self, files: Iterable[Path]) -> int:
        """Predict photographs; return how many there were."""
        count = 0
        for file in files:
            image = Image.open(file).convert("RGB")
            boxes, probabilities = self._mtcnn.detect(image)
            box = (0, 0, *image.size) if boxes is None else boxes[np.argmax(probabilities)].tolist()
            face = np.asarray(image.crop(box).resize((self._width, self._height), Image.Resampling.BILINEAR))
            vote(self._networks, normalised(face[None]))
            count += 1
        return count


def eager_vote(package: OpenPackage) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from faces, uint8, (N, H, W, 3), to probabilities, by torch in its default memory layout."""
    networks = plain_networks(package)
    return lambda faces: vote(networks, normalised(faces)).numpy()


def plain_networks(package: OpenPackage) -> list[nn.Module]:
    """Return the joint networks of faces."""
    networks = []
    for one in package.model.networks:
        if (one.target, one.input) != ("joint", "face"):
            continue
        for file in one.weights:
            path = package.paths[file.name]
            card = read_card(path)
            network = timm.create_model(card.backbone, num_classes=len(card.classes), **card.backbone_args)
            network.load_state_dict(load_file(path))
            networks.append(network.eval())
    return networks


def normalised(faces: np.ndarray) -> torch.Tensor:
    """Return float32 inputs of networks, (N, 3, H, W)."""
    planes = torch.from_numpy(np.ascontiguousarray(faces.transpose(0, 3, 1, 2))).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (planes - mean) / std


def vote(networks: Iterable[nn.Module], images: torch.Tensor) -> torch.Tensor:
    """Return the mean of the networks' probabilities."""
    with torch.no_grad():
        return torch.stack([network(images).softmax(dim=1) for network in networks]).mean(dim=0)
