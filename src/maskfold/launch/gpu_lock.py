"""One GPU a job, where several jobs of a host see the same GPUs: containers, or workers side by side."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from maskfold.home import home
from maskfold.launch.slots import DEVICES_VARIABLE, gpu_names

POLL_SECONDS = 1.0


@contextlib.contextmanager
def own_gpu(on_wait: Callable[[], None] = lambda: None) -> Iterator[str | None]:
    """Hold a GPU that no other job of this host holds, waiting for one if need be.

    The locks lie in ``$MASKFOLD_HOME``, which all containers of a host share, and the system frees them when their
    process dies. Within the block ``CUDA_VISIBLE_DEVICES`` names that GPU alone.

    Args:
        on_wait: Called once when all are taken.

    Yields:
        The GPU's unique name; none without GPUs, or when ``CUDA_VISIBLE_DEVICES`` was set: then somebody has chosen.
    """
    names = [] if DEVICES_VARIABLE in os.environ else gpu_names()
    if not names:
        yield None
        return
    with contextlib.ExitStack() as stack:
        told = False
        while (name := next((name for name in names if _take(name, stack)), None)) is None:
            if not told:
                told = True
                on_wait()
            time.sleep(POLL_SECONDS)
        os.environ[DEVICES_VARIABLE] = name
        stack.callback(os.environ.pop, DEVICES_VARIABLE, None)
        yield name


def _take(name: str, stack: contextlib.ExitStack) -> bool:
    folder = home() / "gpus"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(Path(folder, f"{name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    stack.callback(os.close, descriptor)
    return True
