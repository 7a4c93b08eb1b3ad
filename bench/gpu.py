"""What only a GPU can answer, in parts of a minute or less; `scripts/gpu_check.sh` runs them all.

Prints one JSON line for each part. Without a GPU everything runs on the processor, which shows that the parts work.

`residency`     the same training twice, its pack held by the device and read batch by batch: `difference` is the
                largest between their weights.
`resume`        a training stopped in the middle of an epoch and continued by a new process's worth of state, against
                an undisturbed one: the same difference.
`memory`        a training whose batch does not fit into the memory that it may use (`--limit-gb`): the images that go
                through the network at once afterwards, and the loss. Only on a GPU.
`side-by-side`  two folds as jobs on one device at the same time, against one alone: images a second of all, as the
                jobs report them, the median over epochs.
`predict`       a network's images a second in float32, bf16 and fp16, the pack on the device, and the largest
                difference of a probability from float32.

    python bench/gpu.py [PART ...] [--network NAME] [--size H W] [--batch N] [--images N] [--epochs N] [--limit-gb X]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from contenders import PLACE, NoRecorder, synchronise
from ensembles import Untrained, write_package
from jobs import run_job
from material import SCHEME, Material, collect
from torch import Tensor

from maskfold.errors import CancelledError
from maskfold.inference.network import FinishedNetwork
from maskfold.inference.pictures import pictures
from maskfold.inference.trainings import with_larger_batches
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import Slot
from maskfold.recipe import Network
from maskfold.storage import open_workspace
from maskfold.training import backbones
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.device import open_device
from maskfold.training.images import Images
from maskfold.training.learner import Learner
from maskfold.training.loop import Fit, Loop, Services
from maskfold.training.precision import Precision

CORES = len(os.sched_getaffinity(0))
PREDICTING: tuple[Precision, ...] = ("off", "bf16", "fp16")


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--network", default="efficientnet_b4")
    parser.add_argument("--size", type=int, nargs=2, default=(280, 210), metavar=("H", "W"))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=3, help="of the folds side by side")
    parser.add_argument("--limit-gb", type=float, default=8.0, help="memory that the part `memory` may use")
    arguments = parser.parse_args()
    arguments.size = tuple(arguments.size)
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    device = open_device(deterministic=True, threads=CORES)
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    for part in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="bench-gpu-") as scratch:
            found = PARTS[part](arguments, device, Path(scratch))
        print(json.dumps({"bench": "gpu", "part": part, "device": named, **found}), flush=True)


def residency(arguments: argparse.Namespace, device: torch.device, scratch: Path) -> dict[str, object]:
    """Train with the pack on the device, and with the pack read batch by batch."""
    material = collect(arguments.images, arguments.size, scratch)
    weights, speeds = {}, {}
    for whole in (True, False):
        training = _Training(arguments, material, device, scratch / str(whole), whole)
        speeds[whole] = round(training.fit().images_per_second, 1)
        weights[whole] = training.weights()
    return {
        "network": arguments.network,
        "difference": _difference(weights[True], weights[False]),
        "resident_images_per_second": speeds[True],
        "streamed_images_per_second": speeds[False],
    }


def resume(arguments: argparse.Namespace, device: torch.device, scratch: Path) -> dict[str, object]:
    """Stop a training in the middle of its second epoch and continue; compare with an undisturbed one."""
    material = collect(arguments.images, arguments.size, scratch)
    undisturbed = _Training(arguments, material, device, scratch / "undisturbed")
    undisturbed.fit()
    steps = undisturbed.loop.steps_per_epoch
    stopped = _Training(arguments, material, device, scratch / "stopped", stop_at=steps + steps // 2)
    try:
        stopped.fit()
    except CancelledError:
        pass
    else:
        raise RuntimeError("the training was not stopped")
    continued = _Training(arguments, material, device, scratch / "stopped")
    fit = continued.fit()
    return {
        "network": arguments.network,
        "resumed_from_epoch": fit.resumed_from_epoch,
        "difference": _difference(undisturbed.weights(), continued.weights()),
        "loss_difference": abs(undisturbed.fitted.history[-1].train_loss - fit.history[-1].train_loss),
    }


def memory(arguments: argparse.Namespace, device: torch.device, scratch: Path) -> dict[str, object]:
    """Train with too little memory for the batch."""
    if device.type != "cuda":
        return {"skipped": "no GPU on this machine"}
    _, total = torch.cuda.mem_get_info(device)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, arguments.limit_gb * 1e9 / total))
    try:
        training = _Training(
            arguments, collect(arguments.images, arguments.size, scratch), device, scratch / "training"
        )
        fit = training.fit()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return {
        "network": arguments.network,
        "limit_gb": arguments.limit_gb,
        "batch": arguments.batch,
        "at_once": training.learner.state()["micro_batch"],
        "peak_gb": round(torch.cuda.max_memory_reserved(device) / 1e9, 2),
        "losses": [round(record.train_loss, 4) for record in fit.history],
    }


def side_by_side(arguments: argparse.Namespace, device: torch.device, scratch: Path) -> dict[str, object]:
    """Train two folds at the same time on one device, and one alone."""
    network = _network(arguments, arguments.epochs)
    material = collect(arguments.images, arguments.size, scratch, evaluation=64)
    name = "0" if device.type == "cuda" else None
    alone = _run(material, network, [Slot(max(1, CORES // 2), name)], scratch / "alone")
    together = _run(material, network, [Slot(max(1, CORES // 2), name)] * 2, scratch / "together")
    return {
        "network": arguments.network,
        "epochs": arguments.epochs,
        "alone_images_per_second": alone,
        "together_images_per_second": together,
        "speedup": round(together / alone, 2),
    }


def predict(arguments: argparse.Namespace, device: torch.device, scratch: Path) -> dict[str, object]:
    """Predict in full and in half precision."""
    untrained = [Untrained("one", arguments.network, arguments.size)]
    (path,) = write_package(scratch / "package", untrained, folds=1).glob("*.safetensors")
    network = FinishedNetwork.load(path, device)
    images = Images(pictures(min(256, arguments.images), arguments.size), device)
    rows = np.arange(arguments.images) % len(images)
    speeds: dict[str, float] = {}
    differences: dict[str, float] = {}
    expected = network.predict(images, np.arange(len(images)))
    for precision in PREDICTING if device.type == "cuda" else PREDICTING[:2]:
        card = network.card.model_copy(update={"precision": precision, "batch_size": arguments.batch})
        chosen = FinishedNetwork(card, network.model, device)
        if device.type == "cuda":
            chosen = with_larger_batches(chosen)
        found = chosen.predict(images, np.arange(len(images)))
        differences[precision] = float(np.abs(found - expected).max())
        speeds[precision] = statistics.median(
            _rate(len(rows), lambda chosen=chosen: chosen.predict(images, rows)) for _ in range(3)
        )
    return {
        "network": arguments.network,
        "size": list(arguments.size),
        "images_per_second": speeds,
        "difference": differences,
        "batch": chosen.card.batch_size,
    }


PARTS: dict[str, Callable[[argparse.Namespace, torch.device, Path], dict[str, object]]] = {
    "residency": residency,
    "resume": resume,
    "memory": memory,
    "side-by-side": side_by_side,
    "predict": predict,
}


class _Training:
    """A training of two epochs that may be stopped after a number of steps."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        material: Material,
        device: torch.device,
        folder: Path,
        whole: bool | None = None,
        stop_at: int | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        network = _network(arguments, epochs=2)
        images = Images(material.pack, device, whole)
        backbone = backbones.build(network, network.classes(SCHEME), PLACE, images.size)
        self.learner = Learner(network, network.taught(SCHEME), backbone, device)
        self._left = stop_at
        checkpoints = Checkpoints(open_workspace(str(folder)), "checkpoint", folder, logging.getLogger("bench"))
        services = Services(checkpoints, NoRecorder(), lambda: self._left == 0, self._stepped)
        held = 2 * arguments.batch
        data = material.fold(len(material.pack) - held, held)
        self.loop = Loop(self.learner, images, data, PLACE, services)
        self.fitted: Fit

    def fit(self) -> Fit:
        self.fitted = self.loop.fit()
        return self.fitted

    def weights(self) -> dict[str, Tensor]:
        return self.learner.snapshot()

    def _stepped(self, done: int, total: int, unit: str = "", **fields: float | int | str) -> None:
        if self._left:
            self._left -= 1


def _network(arguments: argparse.Namespace, epochs: int) -> Network:
    return Network.model_validate(
        {
            "name": "bench",
            "backbone": arguments.network,
            "pretrained": "none",
            "batch_size": arguments.batch,
            "epochs": epochs,
            "augmentation": "hot6",
            "cutmix": {"p": 0.8, "shape": "strip"},
            "keep": "last",
            "amp": "bf16" if torch.cuda.is_available() else "off",
        }
    )


def _run(material: Material, network: Network, slots: list[Slot], folder: Path) -> float:
    """Run as many folds as there are slots in a fresh workspace; return the images a second of all together."""
    folder.mkdir(parents=True)
    specs, launcher = material.specs(folder, network, 2)[: len(slots)], LocalLauncher(slots)
    with ThreadPoolExecutor(len(specs)) as pool:
        for ended in [pool.submit(run_job, launcher, spec) for spec in specs]:
            ended.result()
    outcomes = [json.loads((folder / spec.address / "outcome.json").read_bytes()) for spec in specs]
    return round(sum(outcome["images_per_second"] for outcome in outcomes), 1)


def _difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


def _rate(count: int, work: Callable[[], object]) -> float:
    synchronise(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    since = time.perf_counter()
    work()
    return round(count / (time.perf_counter() - since), 1)


if __name__ == "__main__":
    main()
