"""Trainings of networks, each computed by torch, or by onnxruntime where that is installed and faster."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.inference import onnx_network
from maskfold.inference.network import FinishedNetwork, read_card
from maskfold.inference.onnx_export import missing_packages, require_packages
from maskfold.inference.pictures import pictures
from maskfold.training.images import Images
from maskfold.training.precision import Precision

Engine = Literal["auto", "torch", "onnx"]
"""``torch`` computes as the run did. ``onnx`` is onnxruntime on processors. ``auto`` takes, for models that will answer
for long, what is fastest: onnxruntime where it is installed, half precision on a GPU; else torch. What it takes does
not depend on what happens to be in a cache, so that the same question has the same answer."""
HALF: Final = 1e-3
"""Largest difference of a probability from float32's with which a GPU computes in half precision."""
_COMPARED: Final = 64
_SHARE_OF_FREE: Final = 1 / 4
_LARGEST_BATCH: Final = 1024

log = logging.getLogger(__name__)


class TrainedNetwork(Protocol):
    """One training of a network, however it is computed."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its inputs."""

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of the target's classes, float32, (N, classes), of uint8 images (N, H, W, 3)."""


@dataclass(frozen=True)
class TorchNetwork:
    """A training of a network, computed by torch, in channels-last memory order."""

    network: FinishedNetwork

    @property
    def size(self) -> tuple[int, int]:
        return self.network.card.input.size

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.network.predict(Images(images, self.network.device), np.arange(len(images)))


@dataclass(frozen=True)
class TrainingLoader:
    """Loads trainings; :meth:`of` makes one."""

    device: torch.device
    """Where they compute."""
    half: bool
    """Whether a GPU may compute in half precision."""
    exports: onnx_network.OnnxCache | None
    """Where exported ones are kept; None: torch computes them."""

    @classmethod
    def of(cls, device: torch.device, engine: Engine = "auto", lasting: bool = False) -> TrainingLoader:
        """Make a loader of trainings that compute with as many threads as torch does.

        Args:
            device: Where they compute.
            engine: What computes them.
            lasting: Whether they will answer for many photographs, so that exporting them, which takes seconds for each
                architecture, once on a machine, is worth it.

        Raises:
            InputError: If onnx is asked for and not installed.
        """
        if engine == "onnx":
            require_packages()
        wanted = engine == "onnx" or (engine == "auto" and lasting)
        exports = None
        if wanted and device.type == "cpu" and not missing_packages():
            exports = onnx_network.OnnxCache(torch.get_num_threads())
        return cls(device, wanted and device.type == "cuda", exports)

    def load(self, weights: Path, sha256: str) -> TrainedNetwork:
        """Load a training.

        Args:
            weights: Its ``weights.safetensors``.
            sha256: Of this file.

        Raises:
            CorruptDataError: If the weights do not fit their card.
        """
        if self.exports is not None and onnx_network.suits(read_card(weights)):
            exported = self.exports.get(weights, sha256)
            if exported is not None:
                return exported
        network = FinishedNetwork.load(weights, self.device)
        return TorchNetwork(with_larger_batches(in_half_precision(network, "fp16")) if self.half else network)


def in_half_precision(network: FinishedNetwork, precision: Precision) -> FinishedNetwork:
    """Return a float32 network with half precision, if that changes no probability by :data:`HALF`; else as it is.

    Args:
        network: A network.
        precision: Which half precision.
    """
    if network.card.precision != "off":
        return network
    faster = replace(network, card=network.card.model_copy(update={"precision": precision}))
    shown = Images(pictures(_COMPARED, network.card.input.size), network.device)
    rows = np.arange(_COMPARED)
    difference = float(np.abs(faster.predict(shown, rows) - network.predict(shown, rows)).max())
    log.debug("%s: %s differs from float32 by %.1e", network.card.backbone, precision, difference)
    return faster if difference < HALF else network


def with_larger_batches(network: FinishedNetwork) -> FinishedNetwork:
    """Return a network on a GPU with batches that a quarter of its free memory holds."""
    size, device = network.card.input.size, network.device
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    network.predict(Images(pictures(_COMPARED, size), device), np.arange(_COMPARED))
    batch = min(network.card.batch_size, _COMPARED)
    each = max(1, (torch.cuda.max_memory_allocated(device) - before) // batch)
    free, _ = torch.cuda.mem_get_info(device)
    batch = batch_for(free, each, network.card.batch_size)
    return replace(network, card=network.card.model_copy(update={"batch_size": batch}))


def batch_for(free: int, each: int, least: int) -> int:
    """Return how many images to compute at once.

    Args:
        free: Bytes of free memory.
        each: Bytes that an image takes, with its activations.
        least: What the network was trained with, so that it fits.
    """
    fits = int(free * _SHARE_OF_FREE) // each
    return max(least, min(_LARGEST_BATCH, 1 << fits.bit_length() >> 1))
