"""The training loop compared with the bare step that bounds it, and with a straightforward loop.

Prints one JSON line for each network and augmentation; images a second, medians over turns:

`step`     forward, backward and optimizer on one batch of random tensors on the device; precision, batch
           size, memory layout and optimizer are the loop's.
`loop`     a whole epoch of `maskfold.training.loop.Loop`: order, reading, augmentation, CutMix, metrics, checkpoint.
           Validation is timed apart, as it shows no training images. The epochs here are far shorter than real ones,
           so the seconds of writing the checkpoint are charged in proportion: the benchmark's images over those of an
           epoch of the competition (15,120 images: four fifths of 18,900), as if all of it delayed the training.
`classic`  `classic.py`: JPEG files of the input's size, Pillow, torchvision's transforms image by image (those of
           `hot6` always, as in the original), float32; with one loading process per core or with none, whichever is
           faster (`classic_workers`). It has a process of its own, without maskfold's settings of torch.

`augmentation_share` is the time of augmenting and mixing a batch, over that of a step, both alone on the device.
`memory_mb` is the most that torch held on a GPU.

All take turns within one run and use all cores. `fraction` is loop / step, `speedup` is loop / classic, each the median
of the turns' own ratios. `amp` is what `amp: auto` chose. `steps_fraction` is the loop's own images a second, which
leave out what happens once an epoch, over those of the step.

    python bench/bench_train.py [--networks NAME ...] [--augmentation NAME ...] [--turns N] [--images N] [--batch N]
        [--device cpu|cuda] [--size H W] [--compile] [--no-classic] [--any-bits]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
from pathlib import Path

import torch
from apart import ClassicApart
from contenders import BareStep, Ours, synchronise
from material import Material, collect

from maskfold.recipe import Network
from maskfold.training.device import open_device

ON_CPU = {"resnet18": (128, 96), "mobilenetv2_035": (128, 96), "rexnet_100": (128, 96)}
ON_GPU = {"efficientnet_b4": (280, 210), "rexnet_150": (224, 224), "resnet50": (224, 224)}
"""Input height and width of each network."""
CUTMIX = {"light": 0.5, "hot6": 0.8}
REAL_EPOCH = 15_120
VALID_BATCHES = 2


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", help="some of the networks only")
    parser.add_argument("--augmentation", nargs="+", default=["light", "hot6"], choices=["light", "hot6"])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--images", type=int, help="training images of a turn; default: 1,024, on a GPU 4,096")
    parser.add_argument("--batch", type=int, help="default: 32, on a GPU 64")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: both")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="of the inputs; default: as listed")
    parser.add_argument("--compile", action="store_true", help="compile the networks, of the step too")
    parser.add_argument("--no-classic", action="store_true", help="leave the straightforward loop out")
    parser.add_argument("--any-bits", action="store_true", help="allow algorithms whose bits vary from run to run")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    open_device(deterministic=not arguments.any_bits, threads=cores)
    for device, networks in ((torch.device("cpu"), ON_CPU), (torch.device("cuda"), ON_GPU)):
        if device.type != (arguments.device or device.type):
            continue
        size = tuple(arguments.size) if arguments.size else None
        asked = arguments.networks or networks
        chosen = {name: size or networks[name] for name in asked if size or name in networks}
        if device.type == "cuda" and not torch.cuda.is_available():
            skipped = f"no GPU on this machine: {', '.join(ON_GPU)} were not measured"
            print(json.dumps({"bench": "train", "device": "cuda", "skipped": skipped}), flush=True)
            continue
        for name, size in chosen.items():
            with tempfile.TemporaryDirectory(prefix="bench-train-") as scratch:
                _measure(name, size, device, arguments, Path(scratch), cores)


def _measure(
    name: str, size: tuple[int, int], device: torch.device, arguments: argparse.Namespace, scratch: Path, cores: int
) -> None:
    on_gpu = device.type == "cuda"
    batch = arguments.batch or (64 if on_gpu else 32)
    images = (arguments.images or (4096 if on_gpu else 1024)) // batch * batch
    valid = VALID_BATCHES * batch
    material = collect(images + valid, size, scratch)
    ours = _ours(name, batch, material, device, arguments, scratch)
    precision = next(iter(ours.values())).precision
    network = _network(name, batch, arguments.augmentation[0], compiled=arguments.compile)
    step = BareStep(network, precision, size, device)
    files, classes = material.write_jpegs(scratch / "jpegs")[:images], material.classes[:images].tolist()
    with contextlib.ExitStack() as stack:
        classics = [
            stack.enter_context(contextlib.closing(ClassicApart(name, device, batch, workers, cores)))
            for workers in ([] if arguments.no_classic else [cores] if on_gpu else [0, cores])
        ]

        def turn(images: int) -> dict[object, float]:
            synchronise(device)
            speeds: dict[object, float] = {
                classic: images / classic.epoch(files[:images], classes[:images]) for classic in classics
            }
            speeds[step] = images / step.run(images // batch)
            for one in ours.values():
                seconds = one.epoch(images, valid)
                speeds[one] = images / (seconds + one.checkpoint_s * images / REAL_EPOCH)
                speeds[one, "steps"] = one.images_per_second
            return speeds

        turn(2 * batch)  # warms up
        if on_gpu:
            torch.cuda.reset_peak_memory_stats(device)
        turns = [turn(images) for _ in range(arguments.turns)]
    median = {who: statistics.median(speeds[who] for speeds in turns) for who in turns[0]}
    classic = max(classics, key=lambda one: median[one], default=None)
    memory = torch.cuda.max_memory_allocated(device) if on_gpu else 0
    for augmentation, one in ours.items():
        line = {
            "bench": "train",
            "network": name,
            "device": _called(device),
            "amp": precision,
            "loop_images_per_second": round(median[one], 1),
            "step_images_per_second": round(median[step], 1),
            "fraction": round(statistics.median(speeds[one] / speeds[step] for speeds in turns), 3),
            "steps_fraction": round(statistics.median(speeds[one, "steps"] / speeds[step] for speeds in turns), 3),
            "augmentation": augmentation,
            "augmentation_share": round(one.augmenting_s(batch) / (batch / median[step]), 3),
            "size": list(size),
            "batch": batch,
            "images": images,
            "turns": arguments.turns,
            "threads": cores,
            "source": material.source,
        }
        if classic is not None:
            line["classic_images_per_second"] = round(median[classic], 1)
            line["classic_workers"] = classic.workers
            line["speedup"] = round(statistics.median(speeds[one] / speeds[classic] for speeds in turns), 2)
        if on_gpu:
            line |= {"memory_mb": round(memory / 1e6), "compiled": arguments.compile, "any_bits": arguments.any_bits}
        print(json.dumps(line), flush=True)


def _ours(
    name: str, batch: int, material: Material, device: torch.device, arguments: argparse.Namespace, scratch: Path
) -> dict[str, Ours]:
    """Return a training for each augmentation; the first one's trial decides the precision of all."""
    found: dict[str, Ours] = {}
    amp = "auto"
    for augmentation in arguments.augmentation:
        network = _network(name, batch, augmentation, amp, arguments.compile)
        found[augmentation] = Ours(network, material, device, scratch / augmentation)
        amp = found[augmentation].precision
    return found


def _network(name: str, batch: int, augmentation: str, amp: str = "auto", compiled: bool = False) -> Network:
    return Network.model_validate(
        {
            "name": "bench",
            "backbone": name,
            "pretrained": "none",
            "batch_size": batch,
            "augmentation": augmentation,
            "cutmix": {"p": CUTMIX[augmentation], "shape": "strip"},
            "amp": amp,
            "compile": compiled,
        }
    )


def _called(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
