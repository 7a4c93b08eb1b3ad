"""The crop stage on a machine with a GPU: is it faster to detect faces there, or on the processor's cores?

Prints one JSON line for each part, photographs a second; the start of the processes is not counted.

`decode`  decoding alone, a process for each core.
`cpu`     the whole stage, detection on the processor, a process for each core.
`gpu`     the whole stage, detection on the GPU, by one process and by four.

    python bench/gpu_crop.py [PART ...] [--photographs N]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
from bench_crop import drawn_or_real, sample

from maskfold.faces import pack_faces
from maskfold.faces.passes import PhotographFile
from maskfold.faces.picture import DecodedPhotograph
from maskfold.faces.workers import Workers
from maskfold.recipe import Crop

CORES = len(os.sched_getaffinity(0))
PARTS = ("decode", "cpu", "gpu")
TASK = 32
"""Photographs of a task, as in the stage."""
_NEEDED = ["image", "height", "width", "sha256"]


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--photographs", type=int, default=2400, help="at least; all of the data set in any case")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="bench-gpu-crop-") as name:
        scratch = Path(name)
        data = drawn_or_real(scratch)
        once = sample(data, people=400, repeat=1)
        manifest = pd.concat([once] * max(1, -(-arguments.photographs // len(once))), ignore_index=True)
        for part in arguments.parts or PARTS:
            for processes in (1, 4) if part == "gpu" else (CORES,):
                line = {"bench": "gpu-crop", "part": part, "processes": processes, "photographs": len(manifest)}
                if part == "gpu" and not torch.cuda.is_available():
                    line["skipped"] = "no GPU on this machine"
                elif part == "decode":
                    line["images_per_second"] = _decoded(manifest, data, processes)
                else:
                    device = "cuda" if part == "gpu" else "cpu"
                    line["images_per_second"] = _cropped(manifest, data, processes, device, scratch)
                print(json.dumps(line), flush=True)


def _decoded(manifest: pd.DataFrame, data: Path, processes: int) -> float:
    photographs = [
        PhotographFile(row, data / image, required=True, height=height, width=width, sha256=digest)
        for row, (image, height, width, digest) in enumerate(manifest[_NEEDED].to_numpy(object))
    ]
    watch = _Watch(processes)
    with Workers(_decode, processes) as workers:
        for count in workers.map([photographs[first : first + TASK] for first in range(0, len(photographs), TASK)]):
            watch(watch.done + count, len(photographs))
    return watch.rate


def _cropped(manifest: pd.DataFrame, data: Path, processes: int, device: str, scratch: Path) -> float:
    watch = _Watch(processes)
    pack_faces(manifest, data, Crop(), scratch, processes, watch, device=device)
    return watch.rate


def _decode(photographs: list[PhotographFile]) -> int:
    for one in photographs:
        DecodedPhotograph.read(one.path, one.height, one.width, Crop(), one.sha256)
    return len(photographs)


class _Watch:
    """Counts from the moment at which each process has done a task, so that all have started."""

    def __init__(self, processes: int) -> None:
        self._first = processes * TASK
        self._since: tuple[int, float] | None = None
        self.done, self.rate = 0, float("nan")

    def __call__(self, done: int, total: int) -> None:
        self.done, now = done, time.perf_counter()
        if self._since is None:
            self._since = (done, now) if done >= min(self._first, total // 2) else None
        elif done == total:
            self.rate = round((done - self._since[0]) / (now - self._since[1]), 1)


if __name__ == "__main__":
    main()
