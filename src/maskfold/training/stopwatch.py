"""How fast this machine trains a network: a few steps on random images, for an estimate before a run."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from maskfold.recipe import Network
from maskfold.training.backbones import build
from maskfold.training.randomness import Position

STEPS = 3
"""Steps that are timed, after one that is not."""


@dataclass(frozen=True)
class Measured:
    """How one training goes on this machine."""

    images_per_second: float
    parameters: int


def measure(network: Network, classes: int, size: tuple[int, int], threads: int) -> Measured:
    """Train a network for a few steps on this machine's fastest device.

    A step is a forward pass, a backward pass and a plain update; losses, augmentation and other optimizers add a few
    per cent.

    Args:
        network: Its backbone, batch size and micro-batch.
        classes: Size of its output.
        size: Input height and width in pixels.
        threads: Processor threads to compute with.

    Raises:
        RecipeError: If the backbone cannot be built.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        place = Position(network.seed, 0)
        model = build(network, classes, place, size, measure=lambda: ((0.5,) * 3, (0.5,) * 3)).model
        model = model.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        batch = min(network.batch_size, network.micro_batch or network.batch_size)
        images = torch.rand(batch, 3, *size, device=device).to(memory_format=torch.channels_last)
        labels = torch.zeros(batch, dtype=torch.long, device=device)
        for step in range(STEPS + 1):
            if step == 1:
                _wait(device)
                began = time.perf_counter()
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        _wait(device)
        rate = STEPS * batch / (time.perf_counter() - began)
        return Measured(rate, sum(parameter.numel() for parameter in model.parameters()))
    finally:
        torch.set_num_threads(before)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
