"""Saves checkpoints while training continues."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

import torch

from maskfold.training.checkpoint import Checkpoints


class Saver:
    """Writes checkpoints in the background, one after the other.

    The training only waits for a copy of its state in memory, which takes hundredths of a second; a disk takes a second
    for the 200 MB of a small network with its moments and its best weights, storage over a network longer. Leaving
    the context waits for the last write.

    Args:
        checkpoints: Where they are written; called from one other thread.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Saver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is None:  # otherwise that error is the one to report
            self.wait()

    def save(self, content: dict[str, Any], epoch: int, step: int) -> None:
        """Begin to save a checkpoint; the arguments are those of :meth:`Checkpoints.save`.

        If the save before failed, its error is raised here.
        """
        self.wait()
        self._pending = self._thread.submit(self._checkpoints.save, copied(content), epoch, step)

    def wait(self) -> None:
        """Wait until the last checkpoint is published; raise its error if that failed."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()


def copied(value: Any) -> Any:
    """Return nested dictionaries and lists with copies of their tensors, on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
