"""A process with torch in memory that runs jobs as forked children and kills them at chosen instants.

A fresh interpreter takes seconds to import torch; a test that starts the same job dozens of times cannot pay that.
Reads one order a line on standard input and answers each with a line: exit code, seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from maskfold.launch import entry
from maskfold.specs import TrainFoldSpec
from maskfold.training.checkpoint import Checkpoints
from tasks import train_fold

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Order:
    """One start of a job."""

    spec: str
    log: str
    """File that takes the job's output and, with ``.saves`` added, the seconds that each checkpoint took."""
    after: float | None = None
    """Send the signal this many seconds after the start."""
    signum: int = signal.SIGKILL
    save: int | None = None
    """Send it in this checkpoint write (from 1) ..."""
    save_after: float = 0.0
    """... this many seconds after its beginning."""
    checkpoint_seconds: float = 0.03


@dataclass
class Zygote:
    """The connection to the process."""

    process: subprocess.Popen[str] = field(repr=False)

    def run(self, order: Order) -> tuple[int, float]:
        """Run a job to its end; return the exit code (negative: killed by that signal) and its seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["code"], answer["seconds"]


@contextlib.contextmanager
def started() -> Iterator[Zygote]:
    """Start the process; it ends with the context."""
    environment = {**os.environ, entry.THREADS_VARIABLE: "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "tests.training.zygote"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Zygote(process)


def _job(order: Order) -> int:
    """Run in the child: the job as its entry point runs it, with checkpoints far more often than usual."""
    output = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    Checkpoints.save = _watched(Checkpoints.save, order)  # type: ignore[method-assign]
    spec = TrainFoldSpec.model_validate_json(order.spec)
    spec = spec.model_copy(update={"checkpoint_seconds": order.checkpoint_seconds})
    return entry.main(train_fold.run, TrainFoldSpec, [spec.model_dump_json()])


def _watched(save, order: Order):  # type: ignore[no-untyped-def]
    seconds: list[float] = []

    def watched(*arguments: object) -> None:
        since = time.perf_counter()
        if len(seconds) + 1 == order.save:
            threading.Timer(order.save_after, os.kill, (os.getpid(), order.signum)).start()
        save(*arguments)
        seconds.append(time.perf_counter() - since)
        Path(f"{order.log}.saves").write_text(json.dumps(seconds))

    return watched


def _wait(child: int, order: Order, since: float) -> int:
    pending = order.after is not None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if pending and time.perf_counter() - since >= (order.after or 0):
            os.kill(child, order.signum)
            pending = False
        time.sleep(0.001)


def _serve() -> None:
    for line in sys.stdin:
        order = Order(**json.loads(line))
        since = time.perf_counter()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _job(order)
            finally:
                sys.stdout.flush()
                os._exit(code)
        code = _wait(child, order, since)
        print(json.dumps({"code": code, "seconds": time.perf_counter() - since}), flush=True)


if __name__ == "__main__":
    _serve()
