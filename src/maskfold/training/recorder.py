"""The only link from training to experiment tracking."""

from __future__ import annotations

from typing import Protocol

from maskfold.specs import EpochRecord


class Recorder(Protocol):
    """Takes the epochs of a training as they end; must never raise, since tracking never stops training."""

    def epoch(self, record: EpochRecord) -> None:
        """Record one epoch."""
