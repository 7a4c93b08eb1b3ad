"""The crop stage compared with common use of facenet-pytorch's MTCNN: photograph by photograph, with its defaults.

Prints one JSON line. The stage is measured whole: decode, detect, choose, crop, pack faces and portraits, start and end
of the worker processes, index. The reference decodes, detects and writes its crops as PNG files. Both process the same
photographs, in turns within one run: in each turn the stage does all of them, the reference its share; figures are
medians over the turns.

`agreement` is the share, of the photographs in which both find a face, where the stage's box and the reference's most
probable one overlap by an IoU of at least 0.7; `agreement_bare` counts only photographs without a mask, if the data set
states which these are. `found` counts faces that were detected, at the first look or the second, not fallback boxes.
`peak_mb` is the most memory of the stage's processes together (proportional set size; shared pages count once).

    python bench/bench_crop.py [--data DIR] [--people N] [--turns N] [--repeat N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch
from PIL import Image
from torch import Tensor

import maskfold.torchvision_ops  # noqa: F401  before facenet_pytorch
from maskfold.faces import pack_faces
from maskfold.recipe import Crop

from facenet_pytorch import MTCNN  # isort: skip
from facenet_pytorch.models.utils import detect_face  # isort: skip

REAL = Path(__file__).parents[2] / "shared" / "realdata"
EDGES = ["box_left", "box_top", "box_right", "box_bottom"]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data set in the competition's layout; default: real or drawn data")
    parser.add_argument("--people", type=int, default=400, help="people at most whose photographs are used")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=1, help="use photographs so many times, to show memory growth")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-crop-") as scratch:
        data = arguments.data or drawn_or_real(Path(scratch))
        manifest = sample(data, arguments.people, arguments.repeat)
        print(json.dumps(_measure(manifest, data, Path(scratch), arguments.turns)), flush=True)


def _measure(manifest: pd.DataFrame, data: Path, scratch: Path, turns: int) -> dict[str, object]:
    processes = len(os.sched_getaffinity(0))
    torch.set_num_threads(processes)
    reference = MTCNN(keep_all=True, device="cuda" if torch.cuda.is_available() else "cpu")
    pack_faces(manifest.iloc[:64].reset_index(drop=True), data, Crop(), scratch, processes)  # warms up
    boxes: dict[int, np.ndarray | None] = {}
    ours_s, reference_s, peak = [], [], 0.0
    shares = np.array_split(np.random.default_rng(0).permutation(len(manifest)), turns)
    with compiled_or_plain_nms():
        _reference(reference, manifest, data, shares[0][:3], scratch)
        for share in shares:
            with peak_of_children() as sampled:
                began = time.perf_counter()
                packs = pack_faces(manifest, data, Crop(), scratch, processes)
                ours_s.append(len(manifest) / (time.perf_counter() - began))
            peak = max(peak, *sampled)
            began = time.perf_counter()
            boxes |= _reference(reference, manifest, data, share, scratch)
            reference_s.append(len(share) / (time.perf_counter() - began))
    theirs = [boxes[row] for row in range(len(manifest))]
    index = packs.index
    found = index["status"].isin(["detected", "retried"]).to_numpy()
    reference_found = np.array([box is not None for box in theirs])
    both = found & reference_found
    overlaps = np.array([_overlap(index.loc[row, EDGES].to_numpy(float), theirs[row]) for row in np.flatnonzero(both)])
    bare = (manifest["mask"] == 2).to_numpy()[both]
    return {
        "bench": "crop",
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "images_per_second": round(statistics.median(ours_s), 1),
        "reference_images_per_second": round(statistics.median(reference_s), 1),
        "speedup": round(statistics.median(np.array(ours_s) / np.array(reference_s)), 2),
        "agreement": round(float((overlaps >= 0.7).mean()), 4),
        "agreement_bare": round(float((overlaps[bare] >= 0.7).mean()), 4) if bare.any() else None,
        "found": round(float(found.mean()), 4),
        "reference_found": round(float(reference_found.mean()), 4),
        "peak_mb": round(peak),
        "images": len(manifest),
        "processes": processes,
    }


def _reference(
    mtcnn: MTCNN, manifest: pd.DataFrame, data: Path, rows: np.ndarray, scratch: Path
) -> dict[int, np.ndarray | None]:
    """Do what ``mtcnn(image, save_path=...)`` does, keeping the most probable box of each photograph."""
    best = {}
    for row in rows.tolist():
        image = Image.open(data / manifest["image"][row]).convert("RGB")
        boxes, probabilities = mtcnn.detect(image)
        mtcnn.extract(image, boxes, str(scratch / f"{row}.png"))
        best[row] = None if boxes is None else boxes[np.argmax(probabilities)].astype(float)
    return best


@contextmanager
def compiled_or_plain_nms() -> Iterator[None]:
    """Give facenet-pytorch a suppression in plain torch where torchvision's compiled one is missing."""
    compiled = detect_face.batched_nms
    try:
        compiled(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), torch.zeros(1), 0.5)
    except (RuntimeError, NotImplementedError):
        detect_face.batched_nms = _plain_nms
    try:
        yield
    finally:
        detect_face.batched_nms = compiled


def _plain_nms(boxes: Tensor, scores: Tensor, group: Tensor, threshold: float) -> Tensor:
    """Keep the boxes that no better kept one of their group overlaps; all overlaps at once, then a scan in numpy."""
    order = scores.argsort(descending=True, stable=True)
    boxes, group = boxes[order], group[order]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = (high - low).clamp(min=0).prod(dim=2)
    near = (common > threshold * (area[:, None] + area - common)) & (group[:, None] == group)
    beats, gone = near.numpy(), np.zeros(len(boxes), bool)
    kept = []
    for number in range(len(boxes)):
        if not gone[number]:
            kept.append(number)
            gone |= beats[number]
    return order[torch.tensor(kept, dtype=torch.int64)]


@contextmanager
def peak_of_children(itself: bool = False) -> Iterator[list[float]]:
    """Sample the memory of this process's descendants that do the work, in MB; of this one where there are none.

    Args:
        itself: Count this process, too.
    """
    sampled, done = [0.0], threading.Event()

    def sample() -> None:
        while not done.wait(0.2):
            children = psutil.Process().children(recursive=True) if multiprocessing.parent_process() is None else []
            total = 0.0
            for process in [*children, psutil.Process()] if itself else children or [psutil.Process()]:
                try:
                    total += process.memory_full_info().pss / 1e6
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            sampled.append(total)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield sampled
    finally:
        done.set()
        thread.join()


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    common = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))


def sample(data: Path, people: int, repeat: int) -> pd.DataFrame:
    """Return a manifest of the photographs of people drawn evenly from the data set, the same so many times."""
    folders = sorted(path for path in (data / "train" / "images").iterdir() if not path.name.startswith("."))
    rows = []
    for number in np.linspace(0, len(folders) - 1, min(people, len(folders))).astype(int):
        for path in sorted(folders[number].iterdir()):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png"} and not path.name.startswith("."):
                with Image.open(path) as image:
                    width, height = image.size
                mask = {"normal": 2, "incorrect_mask": 1}.get(path.stem, 0)
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                rows.append((path.relative_to(data).as_posix(), "train", mask, True, width, height, digest))
    return pd.DataFrame(rows * repeat, columns=["image", "part", "mask", "readable", "width", "height", "sha256"])


def drawn_or_real(scratch: Path) -> Path:
    """Return the folder of the real photographs, or draw some."""
    if REAL.is_dir():
        return REAL
    from portraits import draw

    draw(scratch / "data", people=40, seed=0)
    return scratch / "data"


if __name__ == "__main__":
    main()
