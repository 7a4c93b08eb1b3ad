"""How fast this machine trains a network: a few steps on random images, for an estimate before a run."""

from __future__ import annotations

import time

import torch
from torch.nn.functional import cross_entropy

from maskfold.recipe import Network
from maskfold.training.backbones import build
from maskfold.training.randomness import Position

STEPS = 3
"""Steps that are timed, after one that is not."""


def images_per_second(network: Network, classes: int, size: tuple[int, int], threads: int) -> float:
    """Return how many images one training processes in a second on this machine's fastest device.

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
        model = model.to(device, memory_format=torch.channels_last).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        batch = min(network.batch_size, network.micro_batch or network.batch_size)
        images = torch.rand(batch, 3, *size, device=device).to(memory_format=torch.channels_last)
        labels = torch.zeros(batch, dtype=torch.long, device=device)
        for step in range(STEPS + 1):
            if step == 1:
                _wait(device)
                began = time.perf_counter()
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()
            optimizer.step()
        _wait(device)
        return STEPS * batch / (time.perf_counter() - began)
    finally:
        torch.set_num_threads(before)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
