"""Kills whole runs at random instants, by random signals to random processes of theirs, and runs them again.

::

    python -m tests.faults.campaign --kills 100      # or: make campaign N=100
    python -m tests.faults.campaign --kills 30 --command tune    # or: auto

Every workspace must end byte-equal to that of a run that nobody disturbed: submission, out-of-fold table, predictions,
weights, crops, the winner of a search. No job that was done may be done again. MLflow must show every run once, with
its end. No process may be left, and nothing outside of workspace and homes may change.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import psutil

from tests.faults.outputs import Outputs, listed, mlflow_faults
from tests.faults.sandbox import Sandbox, kind_of, state_of
from tests.faults.subjects import SUBJECTS
from tests.servers.s3 import S3Server

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGABRT)
OUTCOMES = "*/*/outcome.json"
"""Addresses in a workspace of what jobs have done."""
EVERYTHING = "everything"
"""A victim: all processes of a run at once, as when a machine stops."""
RUN_SECONDS = 600.0
"""A run that takes longer hangs."""
MIN_HORIZON_SECONDS = 10.0
"""Least time within which a run is killed."""
LEFT_SECONDS = 25.0
"""Time in which processes that outlive a killed run must have noticed and ended."""
MOST_KILLS = 4
"""Most kills of one workspace before it may finish."""
CODES_OF_OTHERS = {0, 1, 128 + signal.SIGTERM}
"""Exit codes of a run that lost another process: it went on, or said why it could not, or a job was told to stop."""


@dataclass(frozen=True)
class Kill:
    """One kill and what became of it."""

    victim: str
    signum: signal.Signals
    second: float
    store: str
    code: int
    """Exit code of the disturbed run."""

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.victim} {self.signum.name} at {self.second:.1f} s"

    def is_surprising(self) -> bool:
        """Return whether the run should have ended with another exit code."""
        if self.victim in ("run", EVERYTHING):
            return self.code not in {0, -self.signum, 128 + self.signum}
        return self.code not in CODES_OF_OTHERS


@dataclass
class Result:
    """The kills of a campaign, and every violation of what must hold."""

    kills: list[Kill] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    undisturbed_seconds: float = 0.0
    workspaces: int = 0
    began: float = field(default_factory=time.monotonic)

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
        minutes = (time.monotonic() - self.began) / 60
        lines.append(f"{minutes:.0f} min; an undisturbed run alone takes {self.undisturbed_seconds:.0f} s.")
        lines.append(f"Violations: {len(self.violations)}.")
        return "\n".join([*lines, *(f"- {violation}" for violation in self.violations)])


@dataclass
class Place:
    """A workspace and the sandbox of its runs."""

    number: int
    sandbox: Sandbox
    workspace: str
    random: random.Random
    kills: list[Kill] = field(default_factory=list)
    code: int = 0
    """Exit code of the last run."""

    @property
    def store(self) -> str:
        return "S3" if self.workspace.startswith("s3:") else "local"

    def __str__(self) -> str:
        """Return it with its kills."""
        return f"workspace {self.number}, {self.store} ({', '.join(map(str, self.kills))})"


class Campaign:
    """Runs in sandboxes on one data set, compared with one undisturbed run."""

    def __init__(self, folder: Path, seed: int, s3: S3Server | None = None, command: str = "run") -> None:
        self.result = Result()
        self._folder, self._seed, self._s3 = folder, seed, s3
        self._wanted, self._lock, self._numbers = 0, threading.Lock(), itertools.count()
        self._data, self._bystander = folder / "data", folder / "bystander"
        self._subject = SUBJECTS[command](self._data)
        self._bystander.mkdir()
        (self._bystander / "photo.jpg").write_bytes(b"a file of the user's")
        self._untouched = state_of([self._data, self._bystander])
        self._undisturbed = folder / "undisturbed"
        place = Place(-1, Sandbox(self._undisturbed), str(self._undisturbed / "workspace"), random.Random(seed))
        self._given = self._subject.prepare(place.sandbox)
        began = time.monotonic()
        self._run(place, None)
        if place.code != 0 or self.result.violations:
            raise RuntimeError(f"the undisturbed run failed: {self.result.violations} {place.sandbox.complained}")
        self.result.undisturbed_seconds = self._horizon = time.monotonic() - began
        self._expected = Outputs.of_folder(Path(place.workspace))

    def run(self, kills: int, beside: int = 1, seconds: float = float("inf")) -> Result:
        """Kill so many times, or until the time is over; every workspace is finished and compared.

        Args:
            kills: How many.
            beside: How many workspaces at a time.
            seconds: No workspace begins after this time.
        """
        self._wanted, deadline = kills, time.monotonic() + seconds

        def work(_: int) -> None:
            while self._wanted > 0 and time.monotonic() < deadline:
                self._one_workspace(next(self._numbers))

        with ThreadPoolExecutor(beside) as pool:
            list(pool.map(work, range(beside)))
        return self.result

    def _one_workspace(self, number: int) -> None:
        """Kill runs of one workspace until one has ended undisturbed; look at what it left."""
        place = self._make_place(number)
        most = place.random.randint(1, MOST_KILLS)
        while True:
            instant = None
            if len(place.kills) < most and self._take(1):
                instant = place.random.uniform(0.5, self._horizon)
            kill = self._run(place, instant)
            # How fast runs are changes with what else the machine does.
            if kill is not None:
                place.kills.append(kill)
                self._horizon *= 1.1
                continue
            if instant is not None:  # the run was faster
                self._take(-1)
                self._horizon = max(MIN_HORIZON_SECONDS, 0.8 * self._horizon)
            break
        if place.code == 0:
            self._compare(place)
        else:
            self._report(place, f"run again: exit code {place.code}: {place.sandbox.complained[-1500:]}")
        with self._lock:
            self.result.workspaces += 1
        shutil.rmtree(place.sandbox.folder)

    def _take(self, kills: int) -> bool:
        """Take some of the kills that are still wanted; return whether there were any."""
        with self._lock:
            there = self._wanted >= kills
            self._wanted -= kills if there else 0
            return there

    def _make_place(self, number: int) -> Place:
        chance = random.Random(f"{self._seed}-{number}")
        on_s3 = self._s3 is not None and number % 3 == 1
        sandbox = Sandbox(self._folder / f"run-{number}", self._s3.environment if on_s3 and self._s3 else {})
        if chance.random() < 0.75:  # otherwise the databases are created while processes are killed
            for home in ("prefect", "maskfold"):
                shutil.copytree(self._undisturbed / home, sandbox.folder / home, dirs_exist_ok=True)
        if not on_s3 or self._s3 is None:
            for name, content in self._given.items():
                path = sandbox.folder / "workspace" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return Place(number, sandbox, str(sandbox.folder / "workspace"), chance)
        bucket = f"campaign-{number}"
        self._s3.make_bucket(bucket)
        for name, content in self._given.items():
            self._s3.client().put_object(Bucket=bucket, Key=f"workspace/{name}", Body=content)
        return Place(number, sandbox, f"s3://{bucket}/workspace", chance)

    def _run(self, place: Place, instant: float | None) -> Kill | None:
        """Run once, kill one process at an instant unless the run is faster, and wait until all are gone."""
        sandbox = place.sandbox
        done = self._done(place)
        process = sandbox.start(*self._subject.arguments, "--workspace", place.workspace)
        victim = ""
        if instant is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(instant)
            victim, signum = self._kill(place)
        place.code = self._wait(process, place)
        kill = Kill(victim, signum, instant, place.store, place.code) if victim and instant else None
        said = f"{kill or 'undisturbed'}: {place.code}"
        if left := sandbox.left_over(LEFT_SECONDS):
            self._report(place, f"{said}: processes are left: {sorted(map(kind_of, left))}")
            sandbox.kill()
        after = self._done(place)
        if again := sorted(key for key, when in done.items() if after.get(key) != when):
            self._report(place, f"{said}: done again, or gone: {', '.join(again)}")
        if "Traceback" in sandbox.complained or (kill and kill.is_surprising()):
            self._report(place, f"{said}: {sandbox.complained[-1500:]}")
        if kill is not None:
            with self._lock:
                self.result.kills.append(kill)
                print(f"{len(self.result.kills)}: workspace {place.number}, {kill.store}: {said}", flush=True)
        return kill

    def _kill(self, place: Place) -> tuple[str, signal.Signals]:
        """Send a signal to a process of a run, each kind being as likely; return the kind, or nothing if none lives."""
        kinds: dict[str, list[psutil.Process]] = {}
        for process in place.sandbox.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                kinds.setdefault(kind_of(process), []).append(process)
        signum = place.random.choice(SIGNALS)
        if "run" not in kinds:
            return "", signum
        kind = place.random.choice([*sorted(kinds), EVERYTHING])
        if kind == EVERYTHING:
            signum, victims = signal.SIGKILL, [process for some in kinds.values() for process in some]
        else:
            victims = [place.random.choice(kinds[kind])]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signum)
        return kind, signum

    def _wait(self, process: subprocess.Popen[bytes], place: Place) -> int:
        try:
            return process.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            kinds = sorted(map(kind_of, place.sandbox.processes()))
            self._report(place, f"a run hangs; its processes: {kinds}; {place.sandbox.complained[-500:]}")
            place.sandbox.kill()
            return process.wait()

    def _compare(self, place: Place) -> None:
        """Look at a workspace whose last run has ended well."""
        outputs, folder = self._outputs(place), place.sandbox.folder
        if different := outputs.differences(self._expected):
            self._report(place, f"not byte-equal: {', '.join(different)}")
        for fault in mlflow_faults(folder / "maskfold" / "mlflow.db", outputs.records):
            self._report(place, f"MLflow: {fault}")
        if state_of([self._data, self._bystander]) != self._untouched:
            self._report(place, "files outside of the workspace have changed")
        if strays := [str(path) for name in ("cwd", "user") for path in (folder / name).rglob("*")]:
            self._report(place, f"files outside of workspace and homes: {strays}")
        if strays := [path.name for path in (folder / "tmp").glob("maskfold-*")]:
            self._report(place, f"temporary files are left: {strays}")

    def _done(self, place: Place) -> dict[str, object]:
        """Return when each job of a workspace was done, by its address."""
        if self._s3 is None or place.store != "S3":
            workspace = Path(place.workspace)
            return {str(path.relative_to(workspace)): path.stat().st_mtime_ns for path in workspace.glob(OUTCOMES)}
        times = listed(self._s3, *place.workspace.removeprefix("s3://").split("/", 1))
        return {name: when for name, when in times.items() if PurePosixPath(name).match(OUTCOMES)}

    def _outputs(self, place: Place) -> Outputs:
        if self._s3 is not None and place.store == "S3":
            return Outputs.of_bucket(self._s3, *place.workspace.removeprefix("s3://").split("/", 1))
        return Outputs.of_folder(Path(place.workspace))

    def _report(self, place: Place, what: str) -> None:
        with self._lock:
            self.result.violations.append(f"{place}: {what}")
            print(f"violation: {self.result.violations[-1]}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign and print its table; exit code 1 if anything that must hold did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--beside", type=int, default=2, help="workspaces at a time")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no further workspace after this time"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--command", choices=list(SUBJECTS), default="run")
    parser.add_argument("--without-s3", action="store_true", help="only workspaces on the disk")
    arguments = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campaign-")))
        s3 = None
        if not arguments.without_s3:
            s3 = S3Server.create(folder / "s3")
            s3.start()
            stack.callback(s3.stop)
        campaign = Campaign(folder, arguments.seed, s3, arguments.command)
        result = campaign.run(arguments.kills, arguments.beside, arguments.seconds)
    print(result.table())
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
