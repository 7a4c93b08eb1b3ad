"""Whether `amp: auto` chooses right: its short trial against a longer comparison of real training steps.

Prints one JSON line for each network. `trial` is what :mod:`maskfold.training.precision` measured, `chosen` what it
chose, `longer` the images a second of whole steps (forward, backward, optimizer) on random images in float32 and bf16,
in turns within one run, medians. On a processor both are per second of processor time. `right` tells that the choice is
the faster one, or that the two differ by less than the trial's margin.

    python bench/bench_amp.py [--networks NAME ...] [--size H W] [--batch N] [--threads N] [--turns N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import torch
from contenders import PLACE, synchronise

from maskfold.recipe import Network
from maskfold.training import backbones
from maskfold.training.device import open_device
from maskfold.training.optimizers import make_optimizer
from maskfold.training.precision import GAIN, Precision, autocast, choose_precision, measure, try_out

NETWORKS = (
    *("resnet10t", "resnet18", "resnet50", "mobilenetv2_035"),
    *("tf_efficientnet_lite0", "rexnet_100", "efficientnet_b0", "convnext_atto"),
)
BOTH: tuple[Precision, ...] = ("off", "bf16")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 48), metavar=("H", "W"))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, len(os.sched_getaffinity(0))])
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    for threads in arguments.threads:
        device = open_device(deterministic=True, threads=threads)
        for name in arguments.networks:
            print(json.dumps({"bench": "amp", **_measure(name, device, threads, arguments)}), flush=True)


def _measure(name: str, device: torch.device, threads: int, arguments: argparse.Namespace) -> dict[str, object]:
    size = tuple(arguments.size)
    network = Network.model_validate(
        {"name": "bench", "backbone": name, "pretrained": "none", "batch_size": arguments.batch}
    )
    model = backbones.build(network, 18, PLACE, size).model.to(device=device, memory_format=torch.channels_last)
    decided = choose_precision(network, device)
    tried = measure(model, size, arguments.batch, device)
    chosen = decided or try_out(model, size, arguments.batch, device)
    longer = _longer(model, network, size, device, arguments.turns)
    faster = max(longer, key=lambda precision: longer[precision])
    near = max(longer.values()) < GAIN * min(longer.values())
    return {
        "network": name,
        "threads": threads,
        "size": list(size),
        "trial": {precision: round(speed, 1) for precision, speed in tried.items()},
        "chosen": chosen,
        "longer": longer,
        "right": chosen == faster or near,
    }


def _longer(
    model: torch.nn.Module, network: Network, size: tuple[int, int], device: torch.device, turns: int
) -> dict[Precision, float]:
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    optimizer = make_optimizer(network.optimizer, model.train())
    images = torch.randn((network.batch_size, 3, *size), device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(network.batch_size, device=device) % 18
    speeds: dict[Precision, list[float]] = {precision: [] for precision in BOTH}
    for turn in range(turns + 1):
        for precision in BOTH:
            since = clock()
            optimizer.zero_grad()
            with autocast(precision, device):
                logits = model(images)
            torch.nn.functional.cross_entropy(logits.float(), labels).backward()
            optimizer.step()
            synchronise(device)
            if turn:  # the first warms up
                speeds[precision].append(network.batch_size / (clock() - since))
    return {precision: round(statistics.median(found), 1) for precision, found in speeds.items()}


if __name__ == "__main__":
    main()
