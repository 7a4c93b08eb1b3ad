"""Predicting photographs: end to end, the networks alone, memory, and the time to the first answer.

Prints one JSON line for each part. All contenders use the same weights: three trainings of one network, drawn, or those
of a package (--model).

`end to end`: decode, detect, crop, vote. maskfold cuts out faces in a process for each core while the networks compute
in the main one, as the job `predict` does. The straightforward loop opens each photograph with Pillow, finds the face
with facenet-pytorch's MTCNN, resizes the most probable box and asks three timm networks, image by image. Contenders
take turns within one run, each turn on other photographs, in an order that rotates; `speedup` is the median of the
turns' ratios.

`networks`: the vote alone on faces that are cut out already, by torch in the default memory layout (`eager`, as it is
commonly written, in batches of 64), by maskfold's torch (channels last) and by onnxruntime, one thread each, images per
second of processor time, so that other load on the machine hardly matters; `batch_1` likewise, image by image.

`memory`: the most memory of all processes (proportional set size) while photographs are predicted, for each number.

`start`: seconds from the start of Python to the first answer, in a process of its own.

    python bench/bench_predict.py [--parts end-to-end,networks,memory,start] [--turns N] [--photographs N] [--model DIR]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from bench_crop import REAL, compiled_or_plain_nms, peak_of_children
from ensembles import Untrained, write_package
from loop import StraightforwardLoop, eager_vote

from maskfold.faces.workers import Workers
from maskfold.inference.onnx_export import missing_packages
from maskfold.inference.package import OpenPackage
from maskfold.inference.pictures import pictures
from maskfold.inference.predictor import Predictor
from maskfold.inference.trainings import Engine
from maskfold.inference.voters import Voters

PARTS = ("end-to-end", "networks", "memory", "start")
BATCH = 32
_ONE = "import sys; from pathlib import Path; from maskfold.inference.package import OpenPackage; \
from maskfold.inference.predictor import Predictor; \
print(Predictor.load(OpenPackage.open(sys.argv[1]), engine=sys.argv[3]).predict([Path(sys.argv[2])])[0].joint_class)"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--photographs", type=int, default=2000, help="of each turn of maskfold's; the loop takes a 20th"
    )
    parser.add_argument("--memory", default="1000,20000", help="numbers of photographs to compare memory for")
    parser.add_argument(
        "--model", type=Path, help="a model package; default: three trainings of mobilenetv2_035, drawn"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-predict-") as scratch:
        networks = [Untrained("joint", "mobilenetv2_035", (128, 96))]
        folder = arguments.model or write_package(Path(scratch) / "package", networks)
        package, files = OpenPackage.open(str(folder)), _photographs(Path(scratch))
        engines: list[Engine] = ["torch"] if missing_packages() else ["torch", "onnx"]
        measures: dict[str, Callable[[], dict[str, object]]] = {
            "end-to-end": lambda: _end_to_end(package, files, engines, arguments.turns, arguments.photographs),
            "networks": lambda: _networks(package, engines, arguments.turns),
            "memory": lambda: _memory(package, files, engines[-1], [*map(int, arguments.memory.split(","))]),
            "start": lambda: _start(package, files[0], engines, arguments.turns),
        }
        for part in arguments.parts.split(","):
            print(json.dumps({"bench": "predict", "part": part, **measures[part]()}), flush=True)


def _end_to_end(
    package: OpenPackage, files: Sequence[Path], engines: Sequence[Engine], turns: int, count: int
) -> dict[str, object]:
    processes = len(os.sched_getaffinity(0))
    torch.set_num_threads(processes)
    loop = StraightforwardLoop(package)
    predictors = {engine: Predictor.load(package, engine=engine) for engine in engines}
    taken = itertools.cycle(files)

    def ours(engine: Engine, number: int) -> int:
        with Workers(predictors[engine].cropper, processes) as workers:
            some = list(itertools.islice(taken, number))
            batches = (some[first : first + BATCH] for first in range(0, number, BATCH))
            return sum(len(predictors[engine].answer(cropped)) for cropped in workers.map(batches))

    contenders: dict[str, tuple[Callable[[int], int], int]] = {
        engine: (lambda number, engine=engine: ours(engine, number), count) for engine in engines
    }
    contenders["loop"] = (lambda number: loop.predict(itertools.islice(taken, number)), max(10, count // 20))
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    with compiled_or_plain_nms():
        for turn in range(turns + 1):
            for name in _rotated([*contenders], turn):
                work, number = contenders[name]
                began = time.perf_counter()
                done = work(number if turn else min(number, 64))
                if turn:  # the first warms up
                    rates[name].append(done / (time.perf_counter() - began))
    return {
        "processes": processes,
        "images_per_second": {name: round(statistics.median(found), 1) for name, found in rates.items()},
        "speedup": {engine: _ratio(rates[engine], rates["loop"]) for engine in engines},
        "photographs": count,
        "turns": turns,
    }


def _networks(package: OpenPackage, engines: Sequence[Engine], turns: int) -> dict[str, object]:
    torch.set_num_threads(1)
    size = package.model.crop.face_size
    faces = np.concatenate([pictures(64, size)] * 4)
    portraits = np.empty((len(faces), 1, 1, 3), np.uint8)
    voters = {engine: Voters.load(package, torch.device("cpu"), engine) for engine in engines}
    contenders = {"eager": eager_vote(package)} | {
        engine: (lambda some, engine=engine: voters[engine].probabilities(some, portraits[: len(some)]))
        for engine in engines
    }
    expected = contenders["eager"](faces)
    difference = {name: float(np.abs(vote(faces) - expected).max()) for name, vote in contenders.items()}
    found: dict[str, object] = {"difference": difference, "trainings": len(package.model.files) - 1, "turns": turns}
    for title, batch, number in (("batch_64", 64, 256), ("batch_1", 1, 32)):
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for turn in range(turns + 1):
            for name in _rotated([*contenders], turn):
                began = time.process_time()
                for first in range(0, number, batch):
                    contenders[name](faces[first : first + batch])
                if turn:
                    rates[name].append(number / (time.process_time() - began))
        found[title] = {
            "images_per_cpu_second": {name: round(statistics.median(some), 1) for name, some in rates.items()},
            "speedup": {engine: _ratio(rates[engine], rates["eager"]) for engine in engines},
        }
    return found


def _memory(package: OpenPackage, files: Sequence[Path], engine: Engine, counts: Sequence[int]) -> dict[str, object]:
    processes = len(os.sched_getaffinity(0))
    torch.set_num_threads(processes)
    predictor, peaks = Predictor.load(package, engine=engine), {}
    for count in counts:
        taken = itertools.islice(itertools.cycle(files), count)
        batches = iter(lambda taken=taken: list(itertools.islice(taken, BATCH)), [])
        with peak_of_children(itself=True) as sampled, Workers(predictor.cropper, processes) as workers:
            done = sum(len(predictor.answer(cropped)) for cropped in workers.map(batches))
        peaks[done] = round(max(sampled))
    return {"engine": engine, "peak_mb": peaks}


def _start(package: OpenPackage, photograph: Path, engines: Sequence[Engine], turns: int) -> dict[str, object]:
    seconds: dict[str, list[float]] = {engine: [] for engine in engines}
    for engine in [*engines, *engines * turns]:  # the first of each fills the caches
        began = time.perf_counter()
        command = [sys.executable, "-c", _ONE, package.uri, str(photograph), engine]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds[engine].append(time.perf_counter() - began)
    return {"seconds": {engine: round(statistics.median(found[1:]), 2) for engine, found in seconds.items()}}


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return round(statistics.median(np.array(ours) / np.array(theirs)), 2)


def _rotated(names: list[str], turn: int) -> Iterator[str]:
    return iter(names[turn % len(names) :] + names[: turn % len(names)])


def _photographs(scratch: Path) -> list[Path]:
    """Return real photographs if there are any, else drawn ones."""
    data = REAL
    if not REAL.is_dir():
        from portraits import draw

        data = scratch / "data"
        draw(data, people=40, seed=0)
    found = sorted(path for path in (data / "train" / "images").glob("*/*") if path.suffix in {".jpg", ".jpeg", ".png"})
    return [found[place] for place in np.random.default_rng(0).permutation(len(found))]


if __name__ == "__main__":
    main()
