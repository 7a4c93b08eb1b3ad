"""The straightforward training in a process of its own, where none of maskfold's settings of torch apply."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from classic import Classic


class ClassicApart:
    """One network in training by :class:`classic.Classic`, in a process that ends with this one.

    Args:
        backbone: Name of a timm model.
        device: Where it computes.
        batch_size: Images in a batch.
        workers: Processes that load images; 0 loads them between the steps.
        threads: Processor threads to compute with.
    """

    def __init__(self, backbone: str, device: torch.device, batch_size: int, workers: int, threads: int) -> None:
        self.workers = workers
        context = multiprocessing.get_context("spawn")  # a fork would inherit maskfold's settings
        self._connection, there = context.Pipe()
        context.Process(target=_serve, args=(there, backbone, device, batch_size, workers, threads)).start()
        there.close()

    def epoch(self, files: Sequence[Path], classes: Sequence[int]) -> float:
        """Train one epoch; return its seconds."""
        self._connection.send((files, classes))
        seconds: float = self._connection.recv()
        return seconds

    def close(self) -> None:
        """End the process."""
        self._connection.close()


def _serve(
    connection: Connection, backbone: str, device: torch.device, batch_size: int, workers: int, threads: int
) -> None:
    torch.set_num_threads(threads)
    training = Classic(backbone, device, batch_size, workers)
    while True:
        try:
            files, classes = connection.recv()
        except EOFError:
            return
        since = time.perf_counter()
        training.epoch(files, classes)
        connection.send(time.perf_counter() - since)
