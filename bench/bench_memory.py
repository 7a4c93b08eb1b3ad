"""Memory and time of training as the data grow.

Prints two JSON lines.

`memory`  the most anonymous memory (RssAnon and RssShmem of /proc) of a `train_fold` job at 1x and 10x images, sampled
          every 20 ms. Pages of the memory-mapped pack do not count, as the system can drop them; `ratio` is 10x
          over 1x.
`growth`  seconds of an epoch at 1x, 2x and 4x images, with validation on a quarter as many, without the writing of
          the checkpoint, which does not depend on them; medians over turns. `ratios` are seconds an image relative
          to 1x: linear growth keeps them at 1.

    python bench/bench_memory.py [--network NAME] [--images N] [--epoch-images N] [--turns N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import torch
from contenders import Ours
from jobs import run_job
from material import collect

from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import Slot
from maskfold.recipe import Network
from maskfold.training.device import open_device

SIZE = (128, 96)
FACTORS = (1, 10)
GROWTH = (1, 2, 4)
_COUNTED = ("RssAnon", "RssShmem")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="mobilenetv2_035")
    parser.add_argument("--images", type=int, default=600, help="training photographs of the smaller job")
    parser.add_argument("--epoch-images", type=int, default=512, help="training images of the shortest epoch")
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    network = Network.model_validate(
        {
            "name": "bench",
            "backbone": arguments.network,
            "pretrained": "none",
            "epochs": 2,
            "augmentation": "light",
            "cutmix": {"p": 0.5, "shape": "strip"},
            "amp": "off",
        }
    )
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as scratch:
        print(json.dumps(_memory(network, arguments.images, Path(scratch))), flush=True)
        print(json.dumps(_growth(network, arguments.epoch_images, arguments.turns, Path(scratch))), flush=True)


def _memory(network: Network, images: int, scratch: Path) -> dict[str, object]:
    cores = len(os.sched_getaffinity(0))
    peaks, packs = [], []
    for factor in FACTORS:
        material = collect(images * factor, SIZE, scratch, evaluation=images * factor // 2)
        folder = scratch / f"{factor}x"
        folder.mkdir()
        spec = material.specs(folder, network, folds=2)[0]
        packs.append(round(material.pack.nbytes / 1e6))
        launcher = LocalLauncher([Slot(cores)])
        with _peak(launcher) as sampled:
            run_job(launcher, spec)
        peaks.append(max(sampled))
    return {
        "bench": "memory",
        "network": network.backbone,
        "images": [images * factor for factor in FACTORS],
        "pack_mb": packs,
        "peak_mb": [round(peak, 1) for peak in peaks],
        "ratio": round(peaks[1] / peaks[0], 3),
    }


@contextlib.contextmanager
def _peak(launcher: LocalLauncher) -> Iterator[list[float]]:
    """Sample the counted memory of a launcher's jobs, in MB."""
    sampled, done = [0.0], threading.Event()

    def sample() -> None:
        while not done.wait(0.02):
            sampled.extend(_counted(pid) for pid in launcher.running())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield sampled
    finally:
        done.set()
        thread.join()


def _counted(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:  # ended in the meantime
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(_COUNTED)) * 1024 / 1e6


def _growth(network: Network, images: int, turns: int, scratch: Path) -> dict[str, object]:
    device = open_device(deterministic=True, threads=len(os.sched_getaffinity(0)))
    batch = network.batch_size
    images = max(images // batch, 1) * batch
    material = collect(images * GROWTH[-1] * 5 // 4, SIZE, scratch)
    ours = Ours(network, material, device, scratch / "growth")
    ours.epoch(2 * batch, batch)  # warms up
    seconds: dict[int, list[float]] = {factor: [] for factor in GROWTH}
    for _ in range(turns):
        for factor, found in seconds.items():
            trained = ours.epoch(images * factor, images * factor // 4)
            found.append(trained + ours.validation_s)
    medians = [statistics.median(found) for found in seconds.values()]
    return {
        "bench": "growth",
        "network": network.backbone,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "images": [images * factor for factor in GROWTH],
        "seconds_per_epoch": [round(median, 2) for median in medians],
        "ratios": [round(median / medians[0] / factor, 3) for factor, median in zip(GROWTH, medians, strict=True)],
        "turns": turns,
    }


if __name__ == "__main__":
    main()
