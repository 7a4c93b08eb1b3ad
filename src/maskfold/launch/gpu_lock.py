"""One GPU per job, where several jobs of a host see the same GPUs: containers, or workers side by side."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from filelock import FileLock, Timeout

from maskfold.home import home
from maskfold.launch.slots import DEVICES_VARIABLE, gpu_names

POLL_SECONDS = 1.0


@contextlib.contextmanager
def own_gpu(on_wait: Callable[[], None] = lambda: None) -> Iterator[str | None]:
    """Lock a GPU that no other job of this host uses; wait while all are taken.

    The locks are in ``$MASKFOLD_HOME``, which all containers of a host share, and the operating system releases them
    when their process dies. Within the block ``CUDA_VISIBLE_DEVICES`` names only that GPU.

    Args:
        on_wait: Called once if all are taken.

    Yields:
        The GPU's unique name; None without GPUs, or if ``CUDA_VISIBLE_DEVICES`` is already set.
    """
    names = [] if DEVICES_VARIABLE in os.environ else gpu_names()
    if not names:
        yield None
        return
    with contextlib.ExitStack() as stack:
        announced = False
        while (name := next((name for name in names if _take(name, stack)), None)) is None:
            if not announced:
                announced = True
                on_wait()
            time.sleep(POLL_SECONDS)
        os.environ[DEVICES_VARIABLE] = name
        stack.callback(os.environ.pop, DEVICES_VARIABLE, None)
        yield name


def _take(name: str, stack: contextlib.ExitStack) -> bool:
    try:
        stack.enter_context(FileLock(home() / "gpus" / f"{name}.lock", blocking=False, fallback_to_soft=False))
    except Timeout:
        return False
    return True
