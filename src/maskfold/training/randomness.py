"""Random draws that depend on (seed, fold, epoch, step, purpose) alone.

Draws do not depend on earlier ones, so training continues at any step without saved states of generators, and a
change in one use of randomness leaves the others unchanged.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

EVERYBODY: Final = 1_000_000
"""In place of a fold's number, for a training that holds no fold out."""


class Purpose(enum.IntEnum):
    """What a draw is for; the numbers are part of the results and never change."""

    INITIAL_WEIGHTS = 0
    ORDER = 1
    AUGMENTATION = 2
    MIXING = 3
    NETWORK = 4
    """Dropout and the like inside the network."""
    COVERING = 5
    """Covers drawn on faces."""


@dataclass(frozen=True)
class Position:
    """A place in a training."""

    seed: int
    fold: int
    epoch: int = 0
    step: int = 0

    def at(self, epoch: int, step: int = 0) -> Position:
        """Return another place in the same training."""
        return replace(self, epoch=epoch, step=step)

    def _sequence(self, purpose: Purpose) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=(self.fold, self.epoch, self.step, int(purpose)))

    def draws(self, purpose: Purpose) -> np.random.Generator:
        """Return a fresh generator for one purpose at this place."""
        return np.random.default_rng(self._sequence(purpose))

    def torch_seed(self, purpose: Purpose) -> int:
        """Return a 64-bit seed for torch's generators."""
        return int(self._sequence(purpose).generate_state(1, np.uint64)[0])


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed the generators that a network on this device draws from.

    ``torch.manual_seed`` checks every kind of accelerator each time, which takes a hundredth of a small network's step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
