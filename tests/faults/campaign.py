"""Kills whole runs at random instants, by random signals to random processes of theirs, and runs them again.

::

    python -m tests.faults.campaign --kills 100      # or: make campaign N=100

Every workspace must end byte-equal to that of a run that nobody disturbed: submission, out-of-fold table, predictions,
weights, crops. No process may be left, and nothing outside of workspace and homes may change.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import psutil

from portraits import draw
from tests.faults.sandbox import Sandbox, kind_of, state_of
from tests.servers.s3 import S3Server

SETTINGS = ("--recipe", "smoke", "--set", "networks.joint.epochs=6")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGABRT)
COMPARED = (".csv", ".parquet", ".safetensors", ".npy")
RUN_SECONDS = 400.0
"""A run that takes longer hangs."""
LEFT_SECONDS = 25.0
"""Time in which processes that outlive a killed run must have noticed and ended."""
MOST_KILLS = 3
"""Most kills of one workspace before it may finish."""


@dataclass(frozen=True)
class Kill:
    """One kill and what became of it."""

    victim: str
    signum: signal.Signals
    second: float
    store: str
    code: int
    """Exit code of the disturbed run."""


@dataclass
class Result:
    """The kills of a campaign, and every violation of what must hold."""

    kills: list[Kill] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    undisturbed_seconds: float = 0.0
    workspaces: int = 0

    def table(self) -> str:
        """Return a Markdown table: one line for each kind of process and signal."""
        lines = ["| killed | signal | kills | exit codes of the disturbed runs |", "|---|---|---|---|"]
        groups = sorted({(kill.victim, kill.signum.name) for kill in self.kills})
        for victim, name in groups:
            codes = Counter(kill.code for kill in self.kills if (kill.victim, kill.signum.name) == (victim, name))
            shown = ", ".join(f"{code} ({count}x)" for code, count in sorted(codes.items()))
            lines.append(f"| {victim} | {name} | {sum(codes.values())} | {shown} |")
        stores = ", ".join(f"{count} on {store}" for store, count in Counter(k.store for k in self.kills).items())
        lines.append("")
        lines.append(f"{len(self.kills)} kills ({stores}) of {self.workspaces} workspaces.")
        lines.append(f"An undisturbed run takes {self.undisturbed_seconds:.0f} s. Violations: {len(self.violations)}.")
        return "\n".join([*lines, *(f"- {violation}" for violation in self.violations)])


class Campaign:
    """Runs in sandboxes on one data set, compared with one undisturbed run."""

    def __init__(self, folder: Path, seed: int, s3: S3Server | None = None) -> None:
        self.result = Result()
        self._folder, self._random, self._s3 = folder, random.Random(seed), s3
        self._data, self._bystander = folder / "data", folder / "bystander"
        draw(self._data, people=12, seed=1, size=(192, 256))
        self._bystander.mkdir()
        (self._bystander / "photo.jpg").write_bytes(b"a file of the user's")
        self._untouched = state_of([self._data, self._bystander])
        self._template = Sandbox(folder / "undisturbed")
        began = time.monotonic()
        code = self._run(self._template, self._template.folder / "workspace")
        if code != 0:
            raise RuntimeError(f"the undisturbed run failed: {self._template.complained}")
        self.result.undisturbed_seconds = time.monotonic() - began
        self._expected = _local_outputs(self._template.folder / "workspace")

    def run(self, kills: int, seconds: float = float("inf")) -> Result:
        """Kill so many times, or until the time is over; every workspace is finished and compared."""
        deadline = time.monotonic() + seconds
        while len(self.result.kills) < kills and time.monotonic() < deadline:
            number = self.result.workspaces
            on_s3 = self._s3 is not None and number % 2 == 1
            most = min(kills - len(self.result.kills), self._random.randint(1, MOST_KILLS))
            self._one_workspace(number, most, on_s3)
            self.result.workspaces += 1
        return self.result

    def _one_workspace(self, number: int, kills: int, on_s3: bool) -> None:
        sandbox = Sandbox(self._folder / f"run-{number}", self._s3.environment if on_s3 and self._s3 else {})
        if self._random.random() < 0.75:  # otherwise the databases are created while processes are killed
            for home in ("prefect", "maskfold"):
                shutil.copytree(self._template.folder / home, sandbox.folder / home, dirs_exist_ok=True)
        workspace = self._make_workspace(sandbox, number, on_s3)
        for _ in range(kills):
            self._kill_one(sandbox, workspace, "S3" if on_s3 else "local")
        code = self._run(sandbox, workspace)
        where = f"workspace {number} ({', '.join(self._story(kills))})"
        if code != 0:
            self._report(f"{where}: run again: exit code {code}: {sandbox.complained[-1500:]}")
            return
        outputs = self._s3_outputs(str(workspace)) if on_s3 else _local_outputs(Path(workspace))
        self._compare(where, sandbox, outputs)
        shutil.rmtree(sandbox.folder)

    def _make_workspace(self, sandbox: Sandbox, number: int, on_s3: bool) -> Path | str:
        if not on_s3 or self._s3 is None:
            return sandbox.folder / "workspace"
        self._s3.make_bucket(f"campaign-{number}")
        return f"s3://campaign-{number}/workspace"

    def _kill_one(self, sandbox: Sandbox, workspace: Path | str, store: str) -> None:
        """Start a run, kill one of its processes, and wait until all of them are gone."""
        process = self._start(sandbox, workspace)
        instant = self._random.uniform(0.5, self.result.undisturbed_seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(instant)
        victim, signum = "none left", self._random.choice(SIGNALS)
        candidates = sandbox.processes()
        if candidates:
            chosen = self._random.choice(candidates)
            with contextlib.suppress(psutil.NoSuchProcess):
                victim = kind_of(chosen)
                chosen.send_signal(signum)
        code = self._wait(process, sandbox)
        self.result.kills.append(Kill(victim, signum, instant, store, code))
        self._refuse_left(sandbox)
        print(f"{len(self.result.kills)}: {victim} {signum.name} at {instant:.1f} s, {store}: {code}", flush=True)

    def _start(self, sandbox: Sandbox, workspace: Path | str) -> subprocess.Popen[bytes]:
        return sandbox.start("run", *SETTINGS, "--data", str(self._data), "--workspace", str(workspace))

    def _run(self, sandbox: Sandbox, workspace: Path | str) -> int:
        code = self._wait(self._start(sandbox, workspace), sandbox)
        self._refuse_left(sandbox)
        return code

    def _wait(self, process: subprocess.Popen[bytes], sandbox: Sandbox) -> int:
        try:
            return process.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            kinds = sorted(map(kind_of, sandbox.processes()))
            self._report(f"a run hangs; its processes: {kinds}; {sandbox.complained[-500:]}")
            sandbox.kill()
            return process.wait()

    def _refuse_left(self, sandbox: Sandbox) -> None:
        left = sandbox.left_over(LEFT_SECONDS)
        if left:
            self._report(f"processes are left: {sorted(map(kind_of, left))} ({self._story(1)})")
            sandbox.kill()

    def _compare(self, where: str, sandbox: Sandbox, outputs: dict[str, bytes]) -> None:
        names = sorted(self._expected.keys() | outputs.keys())
        different = [name for name in names if self._expected.get(name) != outputs.get(name)]
        if different:
            self._report(f"{where}: not byte-equal: {', '.join(different)}")
        if state_of([self._data, self._bystander]) != self._untouched:
            self._report(f"{where}: files outside of the workspace have changed")
        if strays := [str(path) for name in ("cwd", "user") for path in (sandbox.folder / name).rglob("*")]:
            self._report(f"{where}: files outside of workspace and homes: {strays}")
        if strays := [path.name for path in (sandbox.folder / "tmp").glob("maskfold-*")]:
            self._report(f"{where}: temporary files are left: {strays}")

    def _report(self, violation: str) -> None:
        print(f"violation: {violation}", flush=True)
        self.result.violations.append(violation)

    def _story(self, kills: int) -> list[str]:
        return [f"{kill.victim} {kill.signum.name} at {kill.second:.1f} s" for kill in self.result.kills[-kills:]]

    def _s3_outputs(self, workspace: str) -> dict[str, bytes]:
        if self._s3 is None:
            raise RuntimeError("no S3 server")
        bucket, prefix = workspace.removeprefix("s3://").split("/", 1)
        settings = self._s3.environment
        client = boto3.client(
            "s3",
            endpoint_url=self._s3.endpoint,
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {
            key.removeprefix(f"{prefix}/"): client.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
            if _is_compared(key)
        }


def _local_outputs(workspace: Path) -> dict[str, bytes]:
    files = (path for path in workspace.rglob("*") if path.is_file())
    return {str(path.relative_to(workspace)): path.read_bytes() for path in files if _is_compared(str(path))}


def _is_compared(name: str) -> bool:
    # The scores of folds also say how long each took.
    return name.endswith(COMPARED) and "detections/" not in name and not name.endswith("fold_scores.csv")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign and print its table; exit code 1 if anything that must hold did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no further workspace after this time"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-s3", action="store_true", help="only workspaces on the disk")
    arguments = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campaign-")))
        s3 = None
        if not arguments.without_s3:
            s3 = S3Server.create(folder / "s3")
            s3.start()
            stack.callback(s3.stop)
        result = Campaign(folder, arguments.seed, s3).run(arguments.kills, arguments.seconds)
    print(result.table())
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
