"""Signals to the whole process group of a run, as terminals, shells and machines that shut down send them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.sandbox import Sandbox

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(1200)]
STOP_SECONDS = 30.0
"""A run stops within 10 s; a machine that is busy with other tests takes longer to end processes."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    one = Sandbox(tmp_path)
    yield one
    one.kill()


def start(sandbox: Sandbox, data: Path) -> subprocess.Popen[bytes]:
    """Start a run that trains for long; return when its first fold has a checkpoint."""
    workspace = sandbox.folder / "workspace"
    settings = ("--recipe", "smoke", "--set", "networks.joint.epochs=400")
    process = sandbox.start("run", *settings, "--data", str(data), "--workspace", str(workspace))
    deadline = time.monotonic() + 200
    while not list(workspace.glob("train_fold/*/checkpoint/*.json")):
        assert process.poll() is None, sandbox.complained
        assert time.monotonic() < deadline, sandbox.complained
        time.sleep(0.05)
    return process


def flow_runs(sandbox: Sandbox) -> list[str]:
    with closing(sqlite3.connect(sandbox.folder / "prefect" / "prefect.db")) as database:
        return [name for (name,) in database.execute("SELECT state_name FROM flow_run")]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_stops_a_run_in_order(signum: signal.Signals, sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    os.killpg(process.pid, signum)
    assert process.wait(STOP_SECONDS) == 128 + signum
    closing_line = f"maskfold: stopped by {signum.name}; run again to continue\n"
    assert sandbox.complained.partition("stopping ...\n")[2] == ("" if signum == signal.SIGINT else closing_line)
    assert "stopping ...\n" in sandbox.complained
    assert sandbox.printed == ""
    assert not sandbox.left_over(STOP_SECONDS)
    assert flow_runs(sandbox) == ["Cancelled"]


def test_a_second_ctrl_c_stops_at_once_and_says_nothing_more(sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(STOP_SECONDS) == 130
    assert sandbox.complained.endswith("\nstopping ...\n")
    assert not sandbox.left_over(2 * STOP_SECONDS)


def test_a_run_that_is_killed_leaves_no_process(sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    assert len(sandbox.processes()) > 3
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not sandbox.left_over(2 * STOP_SECONDS)


def test_a_server_that_dies_is_started_again(sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    servers = [one for one in sandbox.processes() if "maskfold.servers.gate" in one.cmdline()]
    assert len(servers) == 1
    servers[0].kill()
    servers[0].wait(5)
    time.sleep(5)
    assert process.poll() is None, sandbox.complained
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(STOP_SECONDS) == 130
    assert "Traceback" not in sandbox.complained
