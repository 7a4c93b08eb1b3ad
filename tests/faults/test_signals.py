"""Signals as keys, windows, shells and machines that shut down send them to a run, and what is left after them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.sandbox import Sandbox
from tests.faults.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(1200)]
STOP_SECONDS = 30.0
"""A run stops within 10 s; a machine that is busy with other tests takes longer to end processes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each test stops the same run once more, which would take hours."""
    return tmp_path_factory.mktemp("signals")


@pytest.fixture
def sandbox(folder: Path) -> Iterator[Sandbox]:
    one = Sandbox(folder)
    yield one
    one.kill()


def command(sandbox: Sandbox, data: Path) -> list[str]:
    settings = ("--recipe", "smoke", "--set", "networks.joint.epochs=10000", "--set", "checkpoint_seconds=0.5")
    return ["run", *settings, "--data", str(data), "--workspace", str(sandbox.folder / "workspace")]


def checkpoints(sandbox: Sandbox) -> dict[str, int]:
    found = (sandbox.folder / "workspace").glob("train_fold/*/checkpoint/*.json")
    return {str(path): path.stat().st_mtime_ns for path in found}


def wait_until_it_trains(sandbox: Sandbox, process: subprocess.Popen[bytes], shown: Callable[[], str]) -> None:
    """Return when a fold has a checkpoint that it did not have before."""
    before, deadline = checkpoints(sandbox), time.monotonic() + 200
    while not checkpoints(sandbox).items() - before.items():
        assert process.poll() is None, shown()
        assert time.monotonic() < deadline, shown()
        time.sleep(0.05)


def start(sandbox: Sandbox, data: Path) -> subprocess.Popen[bytes]:
    process = sandbox.start(*command(sandbox, data))
    wait_until_it_trains(sandbox, process, lambda: sandbox.complained)
    return process


def start_on_terminal(sandbox: Sandbox, data: Path) -> Terminal:
    program = [sys.executable, "-m", "maskfold", *command(sandbox, data)]
    terminal = Terminal(program, sandbox.environment, sandbox.folder / "cwd")
    wait_until_it_trains(sandbox, terminal.process, terminal.shown)
    return terminal


def last_state(sandbox: Sandbox) -> str:
    with closing(sqlite3.connect(sandbox.folder / "prefect" / "prefect.db")) as database:
        return str(database.execute("SELECT state_name FROM flow_run ORDER BY created DESC").fetchone()[0])


def test_ctrl_c_on_a_terminal_stops_a_run_in_order(sandbox: Sandbox, drawn_data: Path) -> None:
    terminal = start_on_terminal(sandbox, drawn_data)
    terminal.press(b"\x03")
    assert terminal.process.wait(STOP_SECONDS) == 128 + signal.SIGINT
    assert not sandbox.left_over(STOP_SECONDS)
    shown = terminal.shown()
    assert shown.count("stopping ...") == 1
    assert shown.rpartition("stopping ...")[2].replace("^C", "").strip("\n") == ""
    assert shown.rpartition("\x1b[?25l")[2].count("\x1b[?25h"), "the cursor is hidden"
    assert "Traceback" not in shown
    assert last_state(sandbox) == "Cancelled"


def test_ctrl_c_twice_on_a_terminal_stops_a_run_at_once(sandbox: Sandbox, drawn_data: Path) -> None:
    terminal = start_on_terminal(sandbox, drawn_data)
    terminal.press(b"\x03")
    time.sleep(0.3)
    terminal.press(b"\x03")
    assert terminal.process.wait(STOP_SECONDS) == 128 + signal.SIGINT
    assert not sandbox.left_over(2 * STOP_SECONDS)
    assert terminal.shown().rpartition("stopping ...")[2].replace("^C", "").strip("\n") == ""
    assert "Traceback" not in terminal.shown()


def test_a_window_that_is_closed_stops_a_run_in_order(sandbox: Sandbox, drawn_data: Path) -> None:
    terminal = start_on_terminal(sandbox, drawn_data)
    terminal.close()
    assert terminal.process.wait(STOP_SECONDS) == 128 + signal.SIGHUP
    assert not sandbox.left_over(STOP_SECONDS)
    assert last_state(sandbox) == "Cancelled"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_stops_a_run_in_order(signum: signal.Signals, sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    os.killpg(process.pid, signum)
    assert process.wait(STOP_SECONDS) == 128 + signum
    closing_line = f"maskfold: stopped by {signum.name}; run again to continue\n"
    assert sandbox.complained.partition("stopping ...\n")[1:] == ("stopping ...\n", closing_line)
    assert sandbox.printed == ""
    assert not sandbox.left_over(STOP_SECONDS)
    assert last_state(sandbox) == "Cancelled"


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGQUIT])
def test_a_run_that_is_killed_leaves_no_process(signum: signal.Signals, sandbox: Sandbox, drawn_data: Path) -> None:
    process = start(sandbox, drawn_data)
    assert len(sandbox.processes()) > 3
    os.killpg(process.pid, signum)
    assert process.wait(STOP_SECONDS) == -signum
    assert not sandbox.left_over(2 * STOP_SECONDS)


def test_nohup_outlives_its_terminal_and_a_dead_server_is_started_again(sandbox: Sandbox, drawn_data: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(sandbox, drawn_data)
    finally:
        signal.signal(signal.SIGHUP, before)
    os.killpg(process.pid, signal.SIGHUP)
    servers = [one for one in sandbox.processes() if "maskfold.servers.gate" in one.cmdline()]
    assert len(servers) == 1
    servers[0].kill()
    servers[0].wait(5)
    wait_until_it_trains(sandbox, process, lambda: sandbox.complained)
    time.sleep(5)
    assert process.poll() is None, sandbox.complained
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(STOP_SECONDS) == 128 + signal.SIGINT
    assert "Traceback" not in sandbox.complained


def test_ctrl_c_while_the_program_is_loading_says_nothing(sandbox: Sandbox, drawn_data: Path) -> None:
    process = sandbox.start(*command(sandbox, drawn_data))
    for catches in (True, False):  # the interpreter's own handler, then none until the program is loaded
        while catches_ctrl_c(process) != catches:
            assert process.poll() is None, sandbox.complained
            time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(STOP_SECONDS) == -signal.SIGINT
    assert sandbox.complained == ""
    assert not sandbox.left_over(STOP_SECONDS)


def catches_ctrl_c(process: subprocess.Popen[bytes]) -> bool:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> (signal.SIGINT - 1) & 1)
