"""All folds of a network on the whole machine: side by side, one job at a time, and in a straightforward loop.

Prints one JSON line; images a second are the training images shown, over the wall time of the whole stage:

`folds`    every fold as a job of the `local` launcher, as many at a time as the machine has slots (on a CPU one per
           core). Everything is included: start of the processes, reading, checkpoints, validation, prediction of the
           evaluation images, publication. The fork server runs already, as in a real run after its earlier
           stages.
`one_job`  the same jobs one after the other, each on all cores.
`classic`  `classic.py` on all cores: fold by fold, training, validation after each epoch, prediction of the evaluation
           images, weights to a file; with one loading process per core or with none, whichever a short trial found
           faster (`classic_workers`).

The three take turns; figures are medians over turns, speed-ups medians of the turns' own ratios. The default stage is
short (two folds, a minute), which counts the start of jobs more than real stages do.

    python bench/bench_folds.py [--network NAME] [--folds K] [--images N] [--epochs N] [--turns N] [--amp MODE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from classic import Classic
from jobs import run_job
from material import Material, collect

from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import Slot
from maskfold.recipe import Network
from maskfold.training.metrics import score
from maskfold.training.sampling import steps_per_epoch

SIZE = (128, 96)
CUTMIX = 0.8


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="mobilenetv2_035")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--images", type=int, default=1400, help="training photographs, of all folds")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--amp", default="off", help="of the jobs, as in a recipe")
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = Network.model_validate(
        {
            "name": "bench",
            "backbone": arguments.network,
            "pretrained": "none",
            "epochs": arguments.epochs,
            "augmentation": "hot6",
            "cutmix": {"p": CUTMIX, "shape": "strip"},
            "amp": arguments.amp,
        }
    )
    with tempfile.TemporaryDirectory(prefix="bench-folds-") as scratch:
        material = collect(arguments.images, SIZE, Path(scratch), evaluation=arguments.images // 4)
        print(json.dumps(_measure(material, network, arguments, Path(scratch))), flush=True)


def _measure(material: Material, network: Network, arguments: argparse.Namespace, scratch: Path) -> dict[str, object]:
    cores = len(os.sched_getaffinity(0))
    files = material.write_jpegs(scratch / "jpegs")
    warm = network.model_copy(update={"epochs": 1})
    _ours(collect(64, SIZE, scratch), warm, 2, [Slot(cores)], scratch / "warm")  # starts the fork server
    workers = _workers(material, files, network, cores)
    shown = _shown(material, network, arguments.folds)
    speeds: dict[str, list[float]] = {"folds": [], "one_job": [], "classic": []}
    for turn in range(arguments.turns):
        folder = scratch / f"turn-{turn}"
        speeds["folds"].append(shown / _ours(material, network, arguments.folds, None, folder / "folds"))
        speeds["classic"].append(shown / _classic(material, files, network, arguments.folds, workers, folder))
        speeds["one_job"].append(shown / _ours(material, network, arguments.folds, [Slot(cores)], folder / "one-job"))
    return {
        "bench": "folds",
        "network": network.backbone,
        "folds_images_per_second": _median(speeds["folds"]),
        "one_job_images_per_second": _median(speeds["one_job"]),
        "classic_images_per_second": _median(speeds["classic"]),
        "speedup_classic": _ratio(speeds["folds"], speeds["classic"]),
        "speedup_one_job": _ratio(speeds["folds"], speeds["one_job"]),
        "folds": arguments.folds,
        "epochs": network.epochs,
        "images_shown": shown,
        "classic_workers": workers,
        "amp": network.amp,
        "turns": arguments.turns,
        "cores": cores,
        "source": material.source,
    }


def _ours(material: Material, network: Network, folds: int, slots: list[Slot] | None, folder: Path) -> float:
    """Run the stage in a fresh workspace; return its seconds."""
    folder.mkdir(parents=True)
    specs = material.specs(folder, network, folds)
    launcher = LocalLauncher(slots)
    since = time.perf_counter()
    with ThreadPoolExecutor(len(specs)) as pool:
        for ended in [pool.submit(run_job, launcher, spec) for spec in specs]:
            ended.result()
    return time.perf_counter() - since


def _classic(material: Material, files: list[Path], network: Network, folds: int, workers: int, folder: Path) -> float:
    """Train and predict as the stage does; return the seconds."""
    since = time.perf_counter()
    for fold in range(folds):
        training = _new(network, workers)
        held_out = material.held_out(fold, folds)
        learnt = [number for number, out in enumerate(held_out) if not out]
        judged = [number for number, out in enumerate(held_out) if out]
        for _ in range(network.epochs):
            training.epoch([files[number] for number in learnt], material.classes[learnt].tolist())
            score(material.classes[judged], training.predict([files[number] for number in judged]))
        training.predict(files[len(held_out) :])
        torch.save(training.model.state_dict(), folder / f"classic-{fold}.pt")
    return time.perf_counter() - since


def _new(network: Network, workers: int) -> Classic:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Classic(network.backbone, device, network.batch_size, workers, cutmix=CUTMIX)


def _workers(material: Material, files: list[Path], network: Network, cores: int) -> int:
    """Return the number of loading processes with which the straightforward loop is faster."""
    some = slice(0, min(len(files), 8 * network.batch_size))
    seconds = {}
    for workers in (0, cores, 0, cores):  # the first round warms up
        training = _new(network, workers)
        since = time.perf_counter()
        training.epoch(files[some], material.classes[some].tolist())
        seconds[workers] = time.perf_counter() - since
    return min(seconds, key=lambda workers: seconds[workers])


def _shown(material: Material, network: Network, folds: int) -> int:
    sizes = [int((~material.held_out(fold, folds)).sum()) for fold in range(folds)]
    return sum(steps_per_epoch(size, network.batch_size) * network.batch_size for size in sizes) * network.epochs


def _median(speeds: list[float]) -> float:
    return round(statistics.median(speeds), 1)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(ours, theirs, strict=True)), 2)


if __name__ == "__main__":
    main()
