"""Opens every image, in parallel; the result does not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from maskfold.dataset.images import Probe, probe

Progress = Callable[[int, int], None]
"""Receives the number of images done and the total number."""


def verify(
    paths: Sequence[Path],
    threads: int = 1,
    progress: Progress | None = None,
    cut_off: Sequence[bool] | None = None,
) -> list[Probe]:
    """Probe images.

    Threads are enough: decoding and hashing release the interpreter lock.

    Args:
        paths: The files.
        threads: How many are opened at a time.
        progress: Called after each image, in the calling thread.
        cut_off: Whether a JPEG may lack its end, for each file; None: none may.

    Returns:
        One probe for each path, in their order.

    Raises:
        UnavailableError: If the disk or the network fails while reading.
    """
    probes: list[Probe] = []
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="verify")
    try:
        for found in pool.map(probe, paths, cut_off or [False] * len(paths)):
            probes.append(found)
            if progress:
                progress(len(probes), len(paths))
    finally:
        pool.shutdown(cancel_futures=True)
    return probes
