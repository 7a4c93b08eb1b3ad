"""Averages of a network's weights over training, which often predict better than the last weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from maskfold.recipe import Averaging


class WeightAverage:
    """A running average of all floating-point tensors of a network, running statistics included.

    Args:
        model: The network, on its device; its tensors are copied.
    """

    def __init__(self, model: nn.Module) -> None:
        self._live = [value for value in model.state_dict().values() if value.is_floating_point()]
        self._average = [value.detach().clone() for value in self._live]
        self.count = 0
        """Updates taken."""

    def update_exponential(self, decay: float) -> None:
        """Move the average towards the weights: average = d average + (1 - d) weights.

        Polyak averaging with exponential forgetting; the first updates use the smaller
        d = min(decay, (1 + n) / (10 + n)), n the updates before (as TensorFlow's ExponentialMovingAverage), so that
        the random initial weights are soon forgotten.
        """
        self._move(1 - min(decay, (1 + self.count) / (10 + self.count)))

    def update_mean(self) -> None:
        """Make the average the plain mean of all weights seen so far (Izmailov et al. 2018, SWA, algorithm 1)."""
        self._move(1 / (self.count + 1))

    @torch.no_grad()
    def _move(self, share: float) -> None:
        torch._foreach_lerp_(self._average, self._live, share)
        self.count += 1

    @contextlib.contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Inside, the network has the average's values, and the average the network's."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for live, average in zip(self._live, self._average, strict=True):
            kept = live.clone()
            live.copy_(average)
            average.copy_(kept)

    def state(self) -> dict[str, Any]:
        """Return everything that changes; tensors are the live ones."""
        return {"average": self._average, "count": self.count}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state of :meth:`state`."""
        for average, stored in zip(self._average, state["average"], strict=True):
            average.copy_(stored)
        self.count = state["count"]


def first_averaged_epoch(averaging: Averaging, epochs: int) -> int:
    """Return the first epoch, from 0, whose final weights enter the mean of the last epochs."""
    return epochs - min(averaging.last_epochs, epochs) if averaging.last_epochs else epochs


@torch.no_grad()
def recompute_norms(model: nn.Module, batches: Iterable[Tensor], forward: Callable[[Tensor], object]) -> None:
    """Set batch norm's running statistics to the means over batches (Izmailov et al. 2018, SWA, section 3.2).

    Averaged weights give other activations than the running statistics were measured on. All other modules stay in
    evaluation mode, so there are no random draws.

    Args:
        model: The network; left in evaluation mode.
        batches: Inputs, made one after another.
        forward: Runs the network on one of them.
    """
    model.eval()
    norms = [module for module in model.modules() if isinstance(module, _NormBase) and module.track_running_stats]
    if not norms:
        return
    before = [(norm.momentum, int(norm.num_batches_tracked or 0)) for norm in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative mean
            norm.train()
        for batch in batches:
            forward(batch)
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.fill_(count)  # it counts training steps alone
        model.eval()
