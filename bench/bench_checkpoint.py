"""What checkpoints cost: their share of an epoch's time.

Prints one JSON line for each network. Training waits for a copy of its state in memory (`copy_s`); the writing
(`write_s`, of it `write_cpu_s` on the processor) goes on beside it. On a CPU that takes processor time from the
training, so copy and the writing's processor time are charged, as if all of it delayed the training; on a GPU the copy
alone. `share` is the charge over the seconds of an epoch of the competition (15,120 images: four fifths of 18,900) at
the rate measured here, `share_small` over an epoch of 2,240 images. Medians over turns.

    python bench/bench_checkpoint.py [--networks NAME ...] [--images N] [--turns N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import torch
from contenders import Ours
from material import collect

from maskfold.recipe import Network
from maskfold.training.device import open_device

SIZE = (128, 96)
REAL_EPOCH, SMALL_EPOCH = 15_120, 2_240
VALID = 64


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["mobilenetv2_035", "rexnet_100", "resnet18"])
    parser.add_argument("--images", type=int, default=256, help="training images of a turn")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    device = open_device(deterministic=True, threads=len(os.sched_getaffinity(0)))
    for name in arguments.networks:
        with tempfile.TemporaryDirectory(prefix="bench-checkpoint-") as scratch:
            print(json.dumps(_measure(name, device, arguments, Path(scratch))), flush=True)


def _measure(name: str, device: torch.device, arguments: argparse.Namespace, scratch: Path) -> dict[str, object]:
    network = Network.model_validate({"name": "bench", "backbone": name, "pretrained": "none", "augmentation": "light"})
    images = max(arguments.images // network.batch_size, 1) * network.batch_size
    ours = Ours(network, collect(images + VALID, SIZE, scratch), device, scratch / "checkpoints")
    ours.epoch(2 * network.batch_size, VALID)  # warms up
    rates, copies, writes, cpu = [], [], [], []
    for _ in range(arguments.turns):
        rates.append(images / ours.epoch(images, VALID))
        copies.append(ours.copy())
        writes.append(ours.checkpoint_s)
        cpu.append(ours.checkpoint_cpu_s)
    rate, copy = statistics.median(rates), statistics.median(copies)
    charge = copy + (statistics.median(cpu) if device.type == "cpu" else 0.0)
    return {
        "bench": "checkpoint",
        "network": name,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "amp": ours.precision,
        "share": round(charge * rate / REAL_EPOCH, 4),
        "share_small": round(charge * rate / SMALL_EPOCH, 4),
        "megabytes": round(ours.checkpoint_bytes / 1e6, 1),
        "copy_s": round(copy, 3),
        "write_s": round(statistics.median(writes), 3),
        "write_cpu_s": round(statistics.median(cpu), 3),
        "images_per_second": round(rate, 1),
        "turns": arguments.turns,
    }


if __name__ == "__main__":
    main()
