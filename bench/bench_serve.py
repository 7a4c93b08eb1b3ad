"""`maskfold serve` under load, with real clients: 16 at a time against one by one, in one run.

Prints one JSON line. The server is a process of its own, the clients are threads of this one with a connection each
that stays open. Both ways send the same photographs, one in a request, in turns within one run; figures are medians
over the turns, latencies those of all requests. `lost` counts requests without an answer 200. `start_s` is the time
from starting the command to the first prediction, imports included, and `start_cpu_s` the processor time for it.
`memory_mb` is what only the server's process has, after the first turn and after the last one.

Without `--model` it trains mobilenetv2_035 from random weights for one epoch, three folds, on drawn people: its answers
are of no use, and as fast as those of a good one.

    python bench/bench_serve.py [--model URI] [--photographs DIR] [--requests N] [--clients N] [--turns N]
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

REAL = Path(__file__).parents[2] / "shared" / "realdata"
RECIPE = """
name: bench
folds: {k: 3}
networks:
  - {name: joint, backbone: mobilenetv2_035, pretrained: none, epochs: 1}
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model package; default: one that is trained for this")
    parser.add_argument("--photographs", type=Path, help="a folder of JPEG files; default: real or drawn ones")
    parser.add_argument("--requests", type=int, default=1000, help="with many clients, over all turns")
    parser.add_argument("--alone", type=int, default=200, help="requests one by one, over all turns")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--turns", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name:
        scratch = Path(name)
        drawn = (
            _drawn(scratch / "data") if not arguments.model or not (arguments.photographs or REAL.is_dir()) else None
        )
        model = arguments.model or _trained(drawn or REAL, scratch)
        folder = arguments.photographs or (REAL if REAL.is_dir() else drawn)
        contents = [path.read_bytes() for path in sorted((folder or scratch).rglob("*.jpg"))[:500]]
        print(json.dumps(_measure(model, contents, arguments)), flush=True)


def _measure(model: str, contents: list[bytes], arguments: argparse.Namespace) -> dict[str, object]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "maskfold", "serve", "--model", model, "--port", "0", "--look-seconds", "0"]
    command += ["--timeout", "600"]  # on a busy machine, too, every request is answered
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            where = urlsplit(json.loads(process.stdout.readline())["url"])
            address, server = (where.hostname or "", where.port or 0), psutil.Process(process.pid)
            _ask(address, contents[:1])
            start, start_cpu = time.perf_counter() - began, sum(server.cpu_times()[:2])
            _ask(address, contents[:8])
            rates: dict[str, list[float]] = {"together": [], "alone": []}
            latencies: dict[str, list[float]] = {"together": [], "alone": []}
            memory, lost = [], 0
            for turn in range(arguments.turns):
                for way, total, clients in (
                    ("alone", arguments.alone, 1),
                    ("together", arguments.requests, arguments.clients),
                ):
                    count = total // arguments.turns
                    sent = [contents[(turn * count + number) % len(contents)] for number in range(count)]
                    seconds, taken, failed = _turn(address, sent, clients)
                    rates[way].append(count / seconds)
                    latencies[way] += taken
                    lost += failed
                memory.append(server.memory_full_info().uss / 1e6)
            batches = _batch_size(address)
        finally:
            process.terminate()
    return {
        "bench": "serve",
        "requests": len(latencies["together"]),
        "clients": arguments.clients,
        "lost": lost,
        "images_per_s": round(statistics.median(rates["together"]), 1),
        "alone_images_per_s": round(statistics.median(rates["alone"]), 1),
        "speedup": round(statistics.median(map(lambda a, b: a / b, rates["together"], rates["alone"])), 2),
        **{f"p{share}_ms": _quantile(latencies["together"], share) for share in (50, 95, 99)},
        **{f"alone_p{share}_ms": _quantile(latencies["alone"], share) for share in (50, 95, 99)},
        "batch_images": batches,
        "start_s": round(start, 2),
        "start_cpu_s": round(start_cpu, 2),
        "memory_mb": [round(memory[0]), round(memory[-1])],
        "exit_code": process.returncode,
        "cores": len(os.sched_getaffinity(0)),
    }


def _turn(address: tuple[str, int], sent: list[bytes], clients: int) -> tuple[float, list[float], int]:
    """Send each photograph, and return the time, the latencies, and how many were not answered."""
    shares = [sent[number::clients] for number in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        results = list(pool.map(lambda share: _ask(address, share), shares))
        seconds = time.perf_counter() - began
    answers = [answer for result in results for answer in result]
    failed = len(sent) - sum(status == http.HTTPStatus.OK for status, _ in answers)
    return seconds, [latency for _, latency in answers], failed


def _ask(address: tuple[str, int], contents: list[bytes]) -> list[tuple[int, float]]:
    connection = http.client.HTTPConnection(*address, timeout=600)
    answers = []
    for content in contents:
        began = time.perf_counter()
        connection.request("POST", "/predict", content, {"Content-Type": "image/jpeg"})
        reply = connection.getresponse()
        reply.read()
        answers.append((reply.status, time.perf_counter() - began))
    connection.close()
    return answers


def _batch_size(address: tuple[str, int]) -> float:
    """Return the mean number of photographs in a call of the networks."""
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request("GET", "/metrics")
    lines = dict(line.rpartition(" ")[::2] for line in connection.getresponse().read().decode().splitlines())
    connection.close()
    return round(float(lines["maskfold_batch_images_sum"]) / float(lines["maskfold_batch_images_count"]), 1)


def _quantile(seconds: list[float], share: int) -> float:
    return round(float(np.percentile(seconds, share)) * 1000, 1)


def _drawn(folder: Path) -> Path:
    from portraits import draw

    draw(folder, people=24, seed=1, size=(240, 320))
    return folder


def _trained(data: Path, scratch: Path) -> str:
    """Train a small ensemble in this process, and return its package."""
    from flows.plan import plan_run
    from maskfold.launch import entry
    from tasks import crop, ensemble, export, predict_eval, prepare, train_fold

    log = logging.getLogger("bench")
    recipe = scratch / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    plan = plan_run(str(data), str(scratch / "workspace"), str(recipe))
    prepared = entry.run_spec(prepare.run, plan.prepare(), log)
    cropped = entry.run_spec(crop.run, plan.crop(prepared), log)
    folds = plan.train_folds(prepared, cropped, {})
    trained = [entry.run_spec(train_fold.run, spec, log) for spec in folds]
    asked = plan.predict_eval(prepared, cropped, folds, trained)
    evaluated = [entry.run_spec(predict_eval.run, spec, log) for spec in asked]
    vote = plan.ensemble(prepared, cropped, trained, (), [spec.key for spec in folds], evaluated)
    spec = plan.export(vote, entry.run_spec(ensemble.run, vote, log))
    entry.run_spec(export.run, spec, log)
    return plan.workspace.locate(spec.folder)


if __name__ == "__main__":
    main()
