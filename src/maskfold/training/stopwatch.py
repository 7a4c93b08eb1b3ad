"""How fast this machine trains a network: a few steps on random images, for an estimate before a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from maskfold.allocator import keep_freed_memory
from maskfold.recipe import Network
from maskfold.training.backbones import build
from maskfold.training.precision import Precision, autocast, choose_precision, try_out
from maskfold.training.randomness import Position

STEPS = 3
"""Steps that are timed at least, after one that is not."""


@dataclass(frozen=True)
class Measured:
    """How one training goes on this machine."""

    images_per_second: float
    parameters: int
    predicted_per_second: float
    """Images of a forward pass alone."""
    start: float
    """Seconds until the first step was done: the network was built, the libraries have set themselves up."""
    precision: Precision
    device: str


def measure(
    network: Network,
    classes: int,
    size: tuple[int, int],
    threads: int,
    seconds: float = 0.0,
    *,
    choose: bool = False,
) -> Measured:
    """Train a network for a few steps on this machine's fastest device.

    A step is a forward pass, a backward pass and a plain update; losses, augmentation and other optimizers add a few
    per cent.

    Args:
        network: Its backbone, batch size, micro-batch and precision.
        classes: Size of its output.
        size: Input height and width in pixels.
        threads: Processor threads to compute with.
        seconds: Go on for at least this long; of a network so slow that one step takes longer, one is enough.
        choose: Whether ``amp: auto`` is decided as a training does, by a trial; else it is measured in float32.

    Raises:
        RecipeError: If the backbone cannot be built.
    """
    keep_freed_memory()  # as trainings do, which are a fifth faster by it
    began = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        place = Position(network.seed, 0)
        model = build(network, classes, place, size, measure=lambda: ((0.5,) * 3, (0.5,) * 3)).model
        model = model.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        batch = min(network.batch_size, network.micro_batch or network.batch_size)
        built = time.perf_counter()
        precision: Precision = "off" if network.amp == "auto" else network.amp
        if choose:
            precision = choose_precision(network, device) or try_out(model, size, batch, device)
        chosen = time.perf_counter()
        images = torch.rand(batch, 3, *size, device=device).to(memory_format=torch.channels_last)
        trained, first = _trained(model, images, precision, seconds)
        return Measured(
            images_per_second=trained,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            predicted_per_second=_predicted(model, images, precision, seconds / 3),
            start=built - began + first - chosen,
            precision=precision,
            device=device.type,
        )
    finally:
        torch.set_num_threads(before)


def _trained(model: nn.Module, images: Tensor, precision: Precision, seconds: float) -> tuple[float, float]:
    """Return images per second, and when the first step was done."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)

    def step() -> None:
        optimizer.zero_grad()
        with autocast(precision, images.device):
            loss = cross_entropy(model(images).float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    began = time.perf_counter()
    step()
    _wait(images.device)
    first = time.perf_counter()
    if seconds and first - began > seconds:
        return len(images) / (first - began), first
    return len(images) / _usual(step, images.device, seconds), first


def _predicted(model: nn.Module, images: Tensor, precision: Precision, seconds: float) -> float:
    """Return images per second of the forward pass alone."""
    model.eval()
    with torch.inference_mode(), autocast(precision, images.device):
        model(images)
        _wait(images.device)
        return len(images) / _usual(lambda: model(images), images.device, seconds)


def _usual(step: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the median seconds of a step: of several, some are held up by what else the machine does."""
    took = list[float]()
    while len(took) < STEPS or sum(took) < seconds:
        began = time.perf_counter()
        step()
        _wait(device)
        took.append(time.perf_counter() - began)
    return median(took)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
