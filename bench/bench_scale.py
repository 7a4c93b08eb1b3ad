"""What predicting many photographs costs: time, memory, requests, storage.

Photographs are repeated under other names, and predicted by the jobs themselves, without Prefect: listing, ``predict``
(in one process, so that all its time and requests are seen) and ``answers``. With ``--bucket`` photographs and
workspace are on the S3 server of the ``AWS_*`` variables, and requests are counted. ``--list-only`` predicts nothing:
what listing takes of memory for ten times as many. One JSON line for each step.

    python -m bench.bench_scale --images DIR --model PACKAGE --count 10000
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from flows.prediction import Prediction
from maskfold.launch import entry
from maskfold.launch.entry import THREADS_VARIABLE
from maskfold.storage.s3_client import connect
from tasks import answers, predict

_LOG = logging.getLogger("bench")
_requests: Counter[str] = Counter()


@contextmanager
def measured(step: str, count: int) -> Iterator[dict[str, Any]]:
    """Print what a step took."""
    found: dict[str, Any] = {}
    began, used, asked = time.monotonic(), time.process_time(), dict(_requests)
    yield found
    cpu, wall = time.process_time() - used, time.monotonic() - began
    line = {
        "step": step,
        "photographs": count,
        "wall_s": round(wall, 1),
        "processor_s": round(cpu, 2),
        "photographs_per_processor_s": round(count / max(cpu, 1e-9), 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "requests": {name: n - asked.get(name, 0) for name, n in _requests.items() if n != asked.get(name, 0)},
        **found,
    }
    print(json.dumps(line), flush=True)


def repeat(source: Path, count: int, target: Path) -> None:
    """Link photographs under ``count`` names, a thousand to a folder."""
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number in range(count):
        path = paths[number % len(paths)]
        place = target / f"{number // 1000:05d}" / f"{number:08d}{path.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_nlink < 60_000:  # ext4 allows 65,000
            place.hardlink_to(path)
        else:
            shutil.copyfile(path, place)


def upload(folder: Path, bucket: str) -> None:
    """Put photographs below ``photographs/`` of a bucket."""
    client = boto3.client("s3")
    for path in sorted(folder.rglob("*.*")):
        client.put_object(Bucket=bucket, Key=f"photographs/{path.relative_to(folder)}", Body=path.read_bytes())


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--shard", type=int, default=20_000)
    parser.add_argument("--bucket", default="")
    parser.add_argument("--list-only", action="store_true")
    given = parser.parse_args()
    os.environ[THREADS_VARIABLE] = "1"
    with tempfile.TemporaryDirectory(prefix="maskfold-bench-", dir=given.images.parent) as folder:
        copies = Path(shutil.copytree(given.images, Path(folder, "originals")))
        repeat(copies, given.count, Path(folder, "photographs"))
        images, workspace = f"{folder}/photographs", f"{folder}/workspace"
        if given.bucket:
            upload(Path(images), given.bucket)
            images, workspace = f"s3://{given.bucket}/photographs", f"s3://{given.bucket}/workspace"
            connect().client.meta.events.register(
                "before-send.s3.*", lambda event_name, **_: _requests.update([event_name.rpartition(".")[2]])
            )
        run(images, workspace, given.model, given.count, given.shard, given.list_only)
        stored = in_bucket(given.bucket) if given.bucket else in_folder(Path(folder, "workspace"))
        print(json.dumps({"step": "stored", "bytes_per_photograph": round(stored / given.count)}))


def in_folder(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def in_bucket(bucket: str) -> int:
    """Return the bytes of all objects of the workspace in a bucket."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="workspace/")
    return sum(found["Size"] for page in pages for found in page.get("Contents", []))


def run(images: str, workspace: str, model: str, count: int, shard: int, list_only: bool) -> None:
    """Predict, and predict again when nothing is new."""
    for again in ("", " again"):
        with measured(f"list{again}", count) as found:
            prediction = Prediction.make(images, "", workspace, model, shard_photographs=shard)
            planned = prediction.listed()
            found["parts"] = len(planned.fresh)
        shards = [] if list_only else prediction.shards(planned)
        for spec in shards:
            with measured(spec.label, sum(len(prediction.parts.photographs(part)) for part in spec.parts)):
                entry.run_spec(predict.run, spec, _LOG)
        if not again and not list_only:
            with measured("answers", count) as found:
                joined = entry.run_spec(answers.run, prediction.answers(planned), _LOG)
                found["csv_bytes_per_photograph"] = round(joined.answers.size / count)


if __name__ == "__main__":
    main()
