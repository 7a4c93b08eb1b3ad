"""The epochs of one training: train, validate, keep the best, checkpoint, continue where an earlier run stopped."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskfold.errors import CancelledError, CorruptDataError, InvariantError, RecipeError
from maskfold.scheme import IntArray
from maskfold.specs import EpochRecord
from maskfold.training import sampling
from maskfold.training.binning import merged
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.data import FoldData
from maskfold.training.images import Images
from maskfold.training.learner import Learner
from maskfold.training.metrics import score
from maskfold.training.randomness import Position, Purpose
from maskfold.training.recorder import Recorder
from maskfold.training.saver import Saver
from maskfold.training.schedules import learning_rate

log = logging.getLogger(__name__)


class OnProgress(Protocol):
    """Takes the progress of a training."""

    def __call__(self, done: int, total: int, unit: str = ..., **fields: float | int | str) -> None:
        """Take units done, units in all, the unit, and further values to show."""


@dataclass(frozen=True)
class Services:
    """What a training uses while it runs."""

    checkpoints: Checkpoints
    recorder: Recorder
    stopping: Callable[[], bool]
    """Whether the job was asked to stop; checked before each step and each batch of predictions."""
    on_progress: OnProgress
    """Called after each step."""
    checkpoint_seconds: float = 600.0
    """Longest time between two checkpoints, for epochs that take longer."""


@dataclass(frozen=True)
class Kept:
    """The epoch with the kept weights."""

    epoch: int
    model: dict[str, Tensor]
    probabilities: NDArray[np.float32]
    """Of the validation part, (N, classes)."""


@dataclass
class State:
    """Progress of a training."""

    epoch: int = 0
    step: int = 0
    """Steps done in this epoch."""
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    """Sum of the epoch's losses, on the device."""
    seconds: float = 0.0
    """Spent on the epoch's steps."""
    history: list[EpochRecord] = field(default_factory=list)
    kept: Kept | None = None


@dataclass(frozen=True)
class Fit:
    """A finished training."""

    history: tuple[EpochRecord, ...]
    kept: Kept
    resumed_from_epoch: int | None

    @property
    def kept_record(self) -> EpochRecord:
        """The record of the kept epoch."""
        return self.history[self.kept.epoch]

    @property
    def images_per_second(self) -> float:
        """Training images per second, the median over epochs."""
        return statistics.median(record.images_per_second for record in self.history)


class _StopRequested(Exception):  # noqa: N818 - a signal between the parts of this module, not an error
    """Raised only between steps, where the state is complete."""


class Loop:
    """One training of one network on one fold.

    Args:
        learner: What learns.
        images: The pack.
        data: Training and validation images.
        place: Seed and fold.
        services: Checkpoints, recorder, progress, the request to stop.
    """

    def __init__(self, learner: Learner, images: Images, data: FoldData, place: Position, services: Services) -> None:
        network = learner.network
        self._learner, self._images, self._data, self._place = learner, images, data, place
        self._services = services
        self._saver = Saver(services.checkpoints)
        self._shown = sampling.images_per_epoch(len(data.train), network.epoch_fraction)
        self._strata = sampling.strata(network.sampler, data.train.classes, data.train.labels, data.scheme)
        self._batch_size = min(network.batch_size, self._shown)
        self._steps = sampling.steps_per_epoch(self._shown, network.batch_size)
        self._rate = learning_rate(network.schedule, network.optimizer.lr, self._steps, network.epochs)
        self._state = State(loss=torch.zeros((), dtype=torch.float64, device=learner.device))
        self._saved_at = time.monotonic()

    def fit(self) -> Fit:
        """Train to the end, from the newest checkpoint if there is one; the learner ends with the kept weights.

        Raises:
            CancelledError: If the job was asked to stop; a checkpoint holds the state.
            RecipeError: If the loss is no longer a number.
        """
        resumed = self._resume()
        with self._saver:
            self._train()
        kept = self._state.kept
        if kept is None:
            raise InvariantError("no epoch was kept, though there is at least one and each may be kept")
        self._learner.load_snapshot(kept.model)
        return Fit(tuple(self._state.history), kept, resumed)

    def _train(self) -> None:
        try:
            self._learner.prepare(self._images.size)
            while self._state.epoch < self._learner.network.epochs and not self._stalled():
                self._train_epoch()
                self._close_epoch()
        except _StopRequested:
            self._save()
            self._saver.wait()
            raise CancelledError(
                f"stopped on request in epoch {self._state.epoch + 1}; its state is saved, a restart continues there"
            ) from None

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return self._steps

    def samples(self, count: int) -> NDArray[np.uint8]:
        """Return the first images that the first epoch trains on, augmented and mixed: uint8, (<= count, H, W, 3)."""
        order, first = self._order(0), self._place.at(0)
        batches: list[NDArray[np.uint8]] = []
        for step in range(min(self._steps, -(-count // self._batch_size))):
            images, classes, shares = self._batch(order, step)
            inputs, _ = self._learner.inputs(images, classes, first.at(0, step), shares)
            pixels = inputs.clamp(0, 1).mul(255).round().to(torch.uint8)
            batches.append(pixels.permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(batches)[:count]

    def _probabilities(self, rows: IntArray) -> NDArray[np.float32]:
        return merged(self._learner.probabilities(self._images, rows, self._check_stop), self._data.counted)

    def _check_stop(self) -> None:
        if self._services.stopping():
            raise _StopRequested

    def _train_epoch(self) -> None:
        state = self._state
        place, order = self._place.at(state.epoch), self._order(state.epoch)
        since, before = time.perf_counter(), state.seconds
        for step in range(state.step, self._steps):
            self._check_stop()
            if time.monotonic() - self._saved_at > self._services.checkpoint_seconds:
                self._save()
            rate = self._rate(state.epoch * self._steps + step)
            images, classes, shares = self._batch(order, step)
            state.loss += self._learner.step(images, classes, place.at(state.epoch, step), rate, shares)
            state.step = step + 1
            state.seconds = before + time.perf_counter() - since
            self._tell_progress()

    def _order(self, epoch: int) -> IntArray:
        draws = self._place.at(epoch).draws(Purpose.ORDER)
        return sampling.epoch_order(self._strata, self._shown, draws)

    def _batch(self, order: IntArray, step: int) -> tuple[Tensor, IntArray, NDArray[np.float32] | None]:
        """Return the images and the classes of one step, and their shares of classes where they have several."""
        chosen, train = sampling.batch_of(order, step, self._batch_size), self._data.train
        shares = None if train.targets is None else train.targets.of(chosen)
        return self._images.batch(train.rows[chosen]), train.classes[chosen], shares

    def _stalled(self) -> bool:
        """Return whether early stopping applies: no better score for ``patience`` epochs."""
        patience, scores = self._learner.network.stopping.patience, self._scores()
        if patience is None or len(scores) == 0 or len(scores) - 1 - scores.index(max(scores)) < patience:
            return False
        log.info("early stopping after epoch %d: no better validation macro-F1 in %d epochs", len(scores), patience)
        return True

    def _scores(self) -> list[float]:
        return [record.valid_macro_f1 for record in self._state.history if record.valid_macro_f1 is not None]

    def _tell_progress(self) -> None:
        state = self._state
        done = (state.epoch * self._steps + state.step) * self._batch_size
        total = self._learner.network.epochs * self._steps * self._batch_size
        self._services.on_progress(
            done, total, "images", epoch=state.epoch + 1, images_per_second=round(self._images_per_second(), 1)
        )

    def _images_per_second(self) -> float:
        return self._state.step * self._batch_size / max(self._state.seconds, 1e-9)

    def _close_epoch(self) -> None:
        state, network = self._state, self._learner.network
        loss = float(state.loss) / self._steps  # waits for the device
        shown = self._data.train.rows[self._order(state.epoch)]
        self._learner.finish_epoch(state.epoch, self._images, shown, self._check_stop)
        probabilities = self._probabilities(self._data.valid.rows)
        if not (math.isfinite(loss) and np.isfinite(probabilities).all()):
            raise RecipeError(
                f"networks.{network.name}: training diverged in epoch {state.epoch + 1} of fold {self._place.fold}: "
                f"the loss is {loss}. Lower optimizer.lr ({network.optimizer.lr}), lengthen schedule.warmup_epochs or, "
                f"with mixed precision (now {self._learner.precision}), set amp=off."
            )
        judged = score(self._data.valid.classes, probabilities) if len(self._data.valid) else None
        record = EpochRecord(
            epoch=state.epoch,
            lr=self._rate((state.epoch + 1) * self._steps - 1),
            train_loss=loss,
            valid_loss=judged.loss if judged else None,
            valid_macro_f1=judged.macro_f1 if judged else None,
            valid_accuracy=judged.accuracy if judged else None,
            images_per_second=round(self._images_per_second(), 2),
        )
        if judged is None or network.keep == "last" or judged.macro_f1 > max(self._scores(), default=-1.0):
            state.kept = Kept(state.epoch, self._learner.snapshot(), probabilities)
        state.history.append(record)
        self._services.recorder.epoch(record)
        state.epoch, state.step, state.seconds = state.epoch + 1, 0, 0.0
        state.loss.zero_()
        self._save()

    def _save(self) -> None:
        state = self._state
        kept = None
        if state.kept is not None:
            probabilities = torch.from_numpy(state.kept.probabilities)
            kept = {"epoch": state.kept.epoch, "model": state.kept.model, "probabilities": probabilities}
        content = {
            "epoch": state.epoch,
            "step": state.step,
            "loss": state.loss,
            "seconds": state.seconds,
            "history": [record.model_dump() for record in state.history],
            "kept": kept,
            "learner": self._learner.state(),
        }
        self._saver.save(content, state.epoch, state.step)
        self._saved_at = time.monotonic()

    def _resume(self) -> int | None:
        content: dict[str, Any] | None = self._services.checkpoints.newest()
        if content is None:
            return None
        try:
            self._restore(content)
        except torch.OutOfMemoryError:
            raise
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise CorruptDataError(
                f"a checkpoint of this job is not one of its network ({type(error).__name__}: {error}); delete the "
                "folder checkpoint of the job in the workspace and run again"
            ) from error
        log.info("continuing from a checkpoint: epoch %d, step %d", self._state.epoch + 1, self._state.step)
        return self._state.epoch

    def _restore(self, content: dict[str, Any]) -> None:
        kept = content["kept"]
        self._state = State(
            epoch=content["epoch"],
            step=content["step"],
            loss=content["loss"].to(self._learner.device),
            seconds=content["seconds"],
            history=[EpochRecord.model_validate(record) for record in content["history"]],
            kept=kept and Kept(kept["epoch"], kept["model"], kept["probabilities"].numpy()),
        )
        self._learner.restore(content["learner"])
