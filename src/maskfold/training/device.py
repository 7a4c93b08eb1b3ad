"""The device that computes, set up so that the same recipe gives the same bits on the same machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from torch._dynamo.exc import TorchDynamoException

from maskfold.allocator import keep_freed_memory
from maskfold.errors import RecipeError
from maskfold.recipe import Network


def open_device(deterministic: bool, threads: int) -> torch.device:
    """Set torch up for one training, before anything is computed, and return the device: a GPU if there is one.

    Args:
        deterministic: Whether repeatable bits are worth some speed on a GPU.
        threads: Processor threads to compute with; on a CPU another number gives other bits.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when CUDA starts
    torch.use_deterministic_algorithms(deterministic)
    # Filling fresh memory only helps to find reads of it, and costs up to a tenth of the speed.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextlib.contextmanager
def explained(network: Network) -> Iterator[None]:
    """Explain what to do when a network cannot be compiled, or has no deterministic implementation on the device.

    Raises:
        RecipeError: In place of torch's error.
    """
    try:
        yield
    except TorchDynamoException as error:
        raise RecipeError(
            f"networks.{network.name}: torch.compile cannot compile {network.backbone} on this machine "
            f"({str(error).strip().splitlines()[0]}). Set compile=false; a CPU also needs a C++ compiler for it."
        ) from error
    except RuntimeError as error:
        if "does not have a deterministic implementation" not in str(error):
            raise
        raise RecipeError(
            f"networks.{network.name}: {network.backbone} cannot be trained bit for bit reproducibly on this device "
            f"({str(error).split('.')[0]}). Set deterministic=false, or choose another backbone."
        ) from error
