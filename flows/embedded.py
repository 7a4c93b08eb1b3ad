"""Prefect's server for runs without a configured one: a process of its own that never outlives its run."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import httpx
from prefect.context import refresh_global_settings_context
from prefect.settings import PREFECT_API_URL, get_current_settings

from maskfold.errors import MaskfoldError

START_SECONDS = 120.0
"""The first start creates the database."""
STOP_SECONDS = 5.0
_PROCESS = Path(__file__).with_name("embedded_process.py")
_address = ""


def ensure_server() -> None:
    """Unless a server is configured, start one that this process uses and that ends with it, however it ends.

    Raises:
        MaskfoldError: If it does not start.
    """
    global _address
    if PREFECT_API_URL.value():
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
        server = _start(listener, said)
    atexit.register(_stop, server)
    _wait_until_it_answers(server, f"{address}/health", said)
    _address = address
    os.environ["PREFECT_API_URL"] = address
    refresh_global_settings_context()


def uses_embedded_server() -> bool:
    """Return whether the server in use is the one that this process started."""
    return bool(_address) and PREFECT_API_URL.value() == _address


def _start(listener: socket.socket, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the server on a port that is already bound.

    It leads a session of its own, so that Ctrl-C reaches the run only, which needs the server to record its end. Its
    standard input is a pipe that nothing is written to: the operating system closes it when this process dies.
    """
    return subprocess.Popen(  # noqa: S603 - a fixed command
        [sys.executable, "-P", str(_PROCESS), str(listener.fileno())],
        env=_environment(),
        pass_fds=(listener.fileno(),),
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=said,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Return the environment of the server: this process's settings of Prefect, also those of its profile."""
    return {
        **os.environ,
        **get_current_settings().to_environment_variables(exclude_unset=True),
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }


def _wait_until_it_answers(server: subprocess.Popen[bytes], health: str, said: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        # The port is bound, so that a request waits until the server accepts it or dies.
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(health, timeout=5.0, trust_env=False).status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return
        if server.poll() is not None or time.monotonic() > deadline:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["it printed nothing"]
            raise MaskfoldError(
                f"Prefect's embedded server does not start ({lines[-1]}); check that PREFECT_HOME is on a disk with "
                "free space and that no other version of Prefect wrote its database, or set PREFECT_API_URL to a server"
            )
        time.sleep(0.1)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdin is not None:
        server.stdin.close()
