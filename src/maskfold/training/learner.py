"""One network in training, with its optimizer: a training step, and predictions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from maskfold.recipe import Network
from maskfold.scheme import IntArray, Scheme
from maskfold.training.accumulation import Accumulation
from maskfold.training.augmentation import augment
from maskfold.training.averaging import WeightAverage, first_averaged_epoch, recompute_norms
from maskfold.training.backbones import Backbone
from maskfold.training.covering import Covers
from maskfold.training.images import Images
from maskfold.training.losses import make_loss
from maskfold.training.marginal_loss import of_blocks
from maskfold.training.mixing import mix
from maskfold.training.optimizers import clip_gradients, make_optimizer, set_learning_rate
from maskfold.training.precision import Precision, autocast, choose_precision, try_out
from maskfold.training.prediction import InputScale, planes, probabilities
from maskfold.training.randomness import Position, Purpose, seed_torch
from maskfold.training.targets import Known
from maskfold.training.transfer import to_device


class Learner:
    """A network in training.

    Args:
        network: How to train it.
        taught: The scheme of the training classes; see :meth:`maskfold.recipe.Network.taught`.
        backbone: The network itself.
        device: Where it computes.
        counts: Training images of each class, int64, (classes,), for losses that weigh classes.
        counted: The class that each trained class counts as, int64, (trained classes,), if ``counts`` are of those.
        blocks: Of the targets; see :mod:`maskfold.training.targets`. None: they are shares of the trained classes.
        covers: What is drawn on images; by default what the network's settings say, on typical crops.
    """

    def __init__(
        self,
        network: Network,
        taught: Scheme,
        backbone: Backbone,
        device: torch.device,
        counts: IntArray | None = None,
        counted: IntArray | None = None,
        blocks: Sequence[Known] = (),
        covers: Covers | None = None,
    ) -> None:
        self.network = network
        self.classes = taught.size(network.target)
        self.device = device
        # Four-dimensional weights and images with the channels innermost: on a CPU a third more images/s.
        self.model: torch.nn.Module = backbone.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.precision: Precision = choose_precision(network, device) or "off"
        """Of the arithmetic; `amp: auto` is decided by :meth:`prepare`."""
        self._optimizer = make_optimizer(network.optimizer, self.model)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "fp16")
        self._covers = covers or Covers(network.covering, taught, network.target)
        self._loss = make_loss(network.loss, taught, network.target, counts, device, counted)
        if len(blocks) > 1:
            self._loss = of_blocks(self._loss, taught.shape, blocks)
        self._scale = InputScale(backbone.mean, backbone.std, device)
        self._trained = torch.compile(self.model) if network.compile else self.model
        self._accumulation = Accumulation(network.micro_batch)
        averages = network.averaging.ema or network.averaging.last_epochs
        self._average = WeightAverage(self.model) if averages else None
        self._prepared = False

    def prepare(self, size: tuple[int, int]) -> None:
        """Decide, before the first step, what needs a trial with inputs of this size; a restored state has it.

        Args:
            size: Height and width in pixels.
        """
        if not self._prepared and choose_precision(self.network, self.device) is None:
            batch = min(self.network.micro_batch or self.network.batch_size, self.network.batch_size)
            self.precision = try_out(self.model, size, batch, self.device)
        self._prepared = True

    def step(
        self,
        images: Tensor,
        classes: IntArray,
        place: Position,
        rate: float,
        shares: NDArray[np.float32] | None = None,
    ) -> Tensor:
        """Make one optimizer step.

        Args:
            images: uint8, (n, 3, H, W), on the device.
            classes: Their classes, int64, (n,).
            place: Where in the training this is: determines every random draw.
            rate: Learning rate.
            shares: Of the trained classes, (n, trained classes); none where all of each image is of its class.

        Returns:
            The mean loss before the step, a scalar on the device: reading it waits for the device.
        """
        if not self.model.training:  # going through all modules costs a hundredth of a small network's step
            self.model.train()
        inputs, targets = self.inputs(images, classes, place, shares)
        set_learning_rate(self._optimizer, rate)
        loss = self._accumulate(self._scale(inputs), targets, place.torch_seed(Purpose.NETWORK))
        clip_gradients(self._optimizer, self._scaler, self.network.optimizer.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None and self.network.averaging.ema:
            self._average.update_exponential(self.network.averaging.ema)
        return loss

    def inputs(
        self, images: Tensor, classes: IntArray, place: Position, shares: NDArray[np.float32] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw covers on a batch, augment and mix it, as :meth:`step` does with the same arguments.

        Returns:
            Images, float32 in 0..1, (n, 3, H, W), and the shares of the classes, float32, (n, classes).
        """
        inputs = planes(images)
        if self.network.covering.is_on:
            inputs, classes = self._covers(inputs, classes, place.draws(Purpose.COVERING), shares)
        inputs = augment(inputs, self.network.augmentation, place.draws(Purpose.AUGMENTATION))
        if shares is None:
            shares = F.one_hot(torch.tensor(classes), self.classes).float().numpy()
        targets = to_device(shares, self.device)
        draws = place.draws(Purpose.MIXING)
        return mix(inputs, targets, classes, self.network.cutmix, self.network.mixup, draws)

    def _accumulate(self, inputs: Tensor, targets: Tensor, seed: int) -> Tensor:
        def reset() -> None:
            seed_torch(seed, self.device)
            self._optimizer.zero_grad()

        def backward(part: slice, share: float) -> Tensor:
            with autocast(self.precision, self.device):
                logits = self._trained(inputs[part])
            loss = self._loss(logits.float(), targets[part])
            loss = loss if share == 1 else loss * share
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            return loss.detach()

        return self._accumulation.run(len(inputs), backward, reset)

    def finish_epoch(
        self, epoch: int, images: Images, rows: IntArray, before_batch: Callable[[], None] = lambda: None
    ) -> None:
        """Add the weights at an epoch's end to the mean of the last epochs, where there is one.

        Repeating it for the same epoch after an interruption changes nothing.

        Args:
            epoch: From 0.
            images: The pack.
            rows: Training images in random order, int64, (N,): batch norm's statistics are computed from them,
                batch by batch.
            before_batch: Called before each batch; may raise to stop.
        """
        first = first_averaged_epoch(self.network.averaging, self.network.epochs)
        if self._average is None or epoch < first:
            return
        if self._average.count <= epoch - first:
            self._average.update_mean()

        def batches() -> Iterator[Tensor]:
            size = min(self.network.batch_size, len(rows))
            for start in range(0, len(rows) - size + 1, size):  # full ones: batch norm cannot take a single image
                before_batch()
                yield self._scale(planes(images.batch(rows[start : start + size])))

        with self._averaged(), autocast(self.precision, self.device):
            recompute_norms(self.model, batches(), self.model)

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the network has its averaged weights, where there are any."""
        if self._average is None or self._average.count == 0:
            return contextlib.nullcontext()
        return self._average.swapped_in()

    def probabilities(
        self, images: Images, rows: IntArray, before_batch: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """Predict every row of a pack, with the averaged weights where there are any.

        Args:
            images: The pack.
            rows: Rows of it, int64, (N,).
            before_batch: Called before each batch; may raise to stop.

        Returns:
            Softmax probabilities, float32, (N, classes).
        """
        with self._averaged():
            return probabilities(
                self.model,
                images,
                rows,
                self.classes,
                self.network.batch_size,
                self._scale,
                self.precision,
                self.device,
                before_batch,
            )

    def state(self) -> dict[str, Any]:
        """Return everything that changes in training; tensors are the live ones."""
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "average": self._average.state() if self._average else None,
            "precision": self.precision,
            "micro_batch": self._accumulation.micro_batch,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state of :meth:`state`."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        if self._average is not None:
            self._average.restore(state["average"])
        self.precision = state["precision"]
        self._accumulation.micro_batch = state["micro_batch"]
        self._prepared = True

    def snapshot(self) -> dict[str, Tensor]:
        """Return a copy of the weights and buffers that predict, on the CPU, contiguous, sharing no memory."""
        with self._averaged():
            return {
                name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, value in self.model.state_dict().items()
            }

    def load_snapshot(self, snapshot: dict[str, Tensor]) -> None:
        """Load weights of :meth:`snapshot` for predictions; averages are dropped."""
        self._average = None
        self.model.load_state_dict(snapshot)
