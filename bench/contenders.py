"""Ways to train that are timed against each other: maskfold's loop, and the bare step that bounds its speed."""

from __future__ import annotations

import logging
import shutil
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from material import SCHEME, Material
from numpy.typing import NDArray
from torch.nn import functional as F

from maskfold.recipe import Network
from maskfold.scheme import IntArray
from maskfold.specs import EpochRecord
from maskfold.storage import open_workspace
from maskfold.training import backbones
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.images import Images
from maskfold.training.learner import Learner
from maskfold.training.loop import Loop, Services
from maskfold.training.losses import make_loss
from maskfold.training.optimizers import make_optimizer
from maskfold.training.precision import Precision, autocast
from maskfold.training.randomness import Position
from maskfold.training.saver import copied

PLACE = Position(0, 0)


class Ours:
    """A training by :class:`maskfold.training.loop.Loop`, epoch by epoch.

    Args:
        network: How to train; its epochs are taken as one.
        material: What to train on.
        device: Where it computes.
        scratch: For checkpoints.
    """

    def __init__(self, network: Network, material: Material, device: torch.device, scratch: Path) -> None:
        network = network.model_copy(update={"epochs": 1})
        self._images = Images(material.pack, device)
        backbone = backbones.build(network, network.classes(SCHEME), PLACE, self._images.size)
        self._learner = _Learner(network, network.taught(SCHEME), backbone, device)
        self._learner.prepare(self._images.size)
        self._material, self._scratch, self._turns = material, scratch, 0
        self.validation_s = 0.0
        """Seconds of the last epoch's validation."""
        self.images_per_second = 0.0
        """Of the last epoch's steps alone."""
        self.checkpoint_s = 0.0
        """Seconds that writing the last epoch's checkpoint took."""
        self.checkpoint_cpu_s = 0.0
        """Processor time of it."""
        self.checkpoint_bytes = 0

    @property
    def precision(self) -> Precision:
        """What `amp: auto` has chosen."""
        return self._learner.precision

    def epoch(self, train: int, valid: int) -> float:
        """Train one epoch and return its seconds, without those of validation and of writing the checkpoint.

        Everything else is in them: order, reading, augmentation, mixing, steps, metrics, the copy of the best weights,
        the copy of the state for the checkpoint. In a real training, it is written during the next epoch's steps;
        here it is written at the end, and timed separately.

        Args:
            train: Images to train on; a multiple of the batch size, so that all are shown.
            valid: Images to validate on, afterwards.
        """
        self._turns += 1
        folder = self._scratch / f"turn-{self._turns}"
        folder.mkdir(parents=True)
        checkpoints = _Checkpoints(open_workspace(str(folder)), "checkpoint", folder, logging.getLogger("bench"))
        services = Services(checkpoints, NoRecorder(), lambda: False, _no_progress)
        self._learner.predicting_s = 0.0
        since = time.perf_counter()
        fit = Loop(self._learner, self._images, self._material.fold(train, valid), PLACE, services).fit()
        synchronise(self._learner.device)
        seconds = time.perf_counter() - since
        self.images_per_second = fit.images_per_second
        self.validation_s = self._learner.predicting_s
        self.checkpoint_s, self.checkpoint_cpu_s = checkpoints.seconds, checkpoints.cpu_seconds
        self.checkpoint_bytes = (folder / "checkpoint.pt").stat().st_size
        shutil.rmtree(folder)
        return seconds - self.validation_s - self.checkpoint_s

    def augmenting_s(self, batch: int, times: int = 20) -> float:
        """Return the median of the seconds that augmenting and mixing a batch takes, alone on the device."""
        rows = np.arange(batch)
        images, classes = self._images.batch(rows), self._material.classes[rows]
        seconds = []
        for step in range(times):
            synchronise(self._learner.device)
            since = time.perf_counter()
            self._learner.inputs(images, classes, PLACE.at(0, step))
            synchronise(self._learner.device)
            seconds.append(time.perf_counter() - since)
        return statistics.median(seconds)

    def copy(self) -> float:
        """Return the seconds that training waits for a checkpoint: those of a copy of its state in memory."""
        content = {"learner": self._learner.state(), "kept": self._learner.snapshot()}
        synchronise(self._learner.device)
        since = time.perf_counter()
        copied(content)
        return time.perf_counter() - since


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished its queue."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class _Learner(Learner):
    predicting_s = 0.0

    def probabilities(self, images: Images, rows: IntArray, *others: object) -> NDArray[np.float32]:
        since = time.perf_counter()
        found = super().probabilities(images, rows, *others)
        self.predicting_s += time.perf_counter() - since
        return found


class _Checkpoints(Checkpoints):
    seconds = cpu_seconds = 0.0

    def save(self, *arguments: object) -> None:
        since, cpu_since = time.perf_counter(), time.thread_time()
        super().save(*arguments)
        self.seconds += time.perf_counter() - since
        self.cpu_seconds += time.thread_time() - cpu_since


class NoRecorder:
    """Takes what a loop says of its epochs."""

    def epoch(self, record: EpochRecord) -> None:
        """Record nothing."""


def _no_progress(done: int, total: int, unit: str = "", **fields: float | int | str) -> None:
    """Show nothing."""


class BareStep:
    """Forward, backward and optimizer on one batch of random tensors on the device, repeatedly.

    Args:
        network: Optimizer, loss and batch size.
        precision: That of the loop.
        size: Height and width of the inputs.
        device: Where it computes.
    """

    def __init__(self, network: Network, precision: Precision, size: tuple[int, int], device: torch.device) -> None:
        backbone = backbones.build(network, network.classes(SCHEME), PLACE, size)
        model = backbone.model.to(device=device, memory_format=torch.channels_last).train()
        self._model = torch.compile(model) if network.compile else model
        self._optimizer = make_optimizer(network.optimizer, model)
        self._loss = make_loss(network.loss, network.taught(SCHEME), network.target, None, device)
        shape = (network.batch_size, 3, *size)
        self._inputs = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
        self._targets = F.one_hot(torch.arange(network.batch_size) % 18, 18).float().to(device)
        self._precision, self._device = precision, device

    def run(self, steps: int) -> float:
        """Make some steps; return their seconds."""
        since = time.perf_counter()
        for _ in range(steps):
            self._optimizer.zero_grad()
            with autocast(self._precision, self._device):
                logits = self._model(self._inputs)
            self._loss(logits.float(), self._targets).backward()
            self._optimizer.step()
        synchronise(self._device)
        return time.perf_counter() - since
