"""Mixed precision: when it is faster, and how it is switched on."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Literal

import torch
from torch import nn

from maskfold.errors import RecipeError
from maskfold.recipe import Network

Precision = Literal["off", "bf16", "fp16"]

_TYPES = {"off": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GAIN = 1.1
"""How much faster bf16 must be in the trial: a clear gain, so that chance does not decide."""
_ROUNDS = 3
_TRIAL_SECONDS = 20.0
_CPU_BATCH = 32

log = logging.getLogger(__name__)


def choose_precision(network: Network, device: torch.device) -> Precision | None:
    """Choose the precision of the network's arithmetic, if that needs no trial.

    Returns:
        The precision; None when it is ``auto`` and the device computes bf16 natively: then :func:`try_out` decides.

    Raises:
        RecipeError: If fp16 is asked for on a CPU.
    """
    if network.amp == "fp16" and device.type == "cpu":
        raise RecipeError(f"networks.{network.name}.amp: fp16 needs a GPU, which is missing; use auto, bf16 or off")
    if network.amp != "auto":
        return network.amp
    return None if _computes_bf16(device) else "off"


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def try_out(model: nn.Module, size: tuple[int, int], batch: int, device: torch.device) -> Precision:
    """Choose between float32 and bf16 by a short trial: bf16 must be clearly faster.

    No simple rule predicts it: on a core with AVX512-BF16 bf16 trained resnet18 1.8 times as fast as float32, but
    mobilenetv2_035 and rexnet_100 at 0.6 and 0.7 times its speed.

    Args:
        model: The network, on the device; its weights and buffers stay as they are.
        size: Height and width of the inputs in pixels.
        batch: Images in a batch; on a CPU at most 32 are tried, and fewer where memory is short.
        device: Where it computes.
    """
    batch = min(batch, _CPU_BATCH) if device.type == "cpu" else batch
    while True:
        try:
            speeds = measure(model, size, batch, device)
            break
        except torch.OutOfMemoryError:
            if batch <= 2:
                raise
            batch //= 2
    chosen: Precision = "bf16" if speeds["bf16"] >= GAIN * speeds["off"] else "off"
    log.info("amp auto: off %.1f, bf16 %.1f images/s in a trial: %s", speeds["off"], speeds["bf16"], chosen)
    return chosen


def measure(model: nn.Module, size: tuple[int, int], batch: int, device: torch.device) -> dict[Precision, float]:
    """Return images per second forward and backward in float32 and in bf16, the best of a few alternating rounds.

    On a CPU they are per second of processor time, so that other load on the machine does not decide.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    images = torch.zeros(batch, 3, *size, device=device).contiguous(memory_format=torch.channels_last)
    best: dict[Precision, float] = {"off": 0.0, "bf16": 0.0}
    began = time.perf_counter()
    model.train()
    try:
        for attempt, precision in itertools.product(range(_ROUNDS + 1), best):
            if time.perf_counter() - began > _TRIAL_SECONDS and all(best.values()):
                break
            since = clock()
            with autocast(precision, device):
                logits = model(images)
            logits.float().logsumexp(dim=1).mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            model.zero_grad()
            if attempt > 0 or time.perf_counter() - began > _TRIAL_SECONDS / 2:  # the first includes set-up
                best[precision] = max(best[precision], batch / (clock() - since))
    finally:
        model.zero_grad()
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
    return best


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return the context in which the network computes."""
    return torch.autocast(device.type, dtype=_TYPES[precision], enabled=precision != "off")
