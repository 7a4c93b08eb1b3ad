"""The Prefect and MLflow user interfaces for past runs, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from maskfold import tracking
from maskfold.errors import InputError, MaskfoldError

START_SECONDS = 90.0


@dataclass(frozen=True)
class Page:
    """One user interface: a server that :func:`serve` starts, or one that runs elsewhere."""

    name: str
    address: str
    """URL to open in a browser."""
    health: str = ""
    """URL that answers once the started server is ready."""
    command: tuple[str, ...] = ()
    """Command that starts the server; empty if one is configured."""


def serve(prefect_port: int, mlflow_port: int) -> None:
    """Start the servers that do not run elsewhere, print the addresses, and wait for Ctrl-C or SIGTERM.

    Raises:
        InputError: If a port is taken, or named twice.
        MaskfoldError: If a server does not start.
    """
    pages = [_prefect(prefect_port), _mlflow(mlflow_port)]
    if prefect_port == mlflow_port and all(page.command for page in pages):
        raise InputError(f"port {prefect_port} is given for both Prefect and MLflow; choose another with --mlflow-port")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for page in pages:
            if page.command:
                servers[page.name] = subprocess.Popen(  # noqa: S603 - fixed commands
                    [sys.executable, "-m", *page.command],
                    env={
                        **os.environ,
                        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                        # In the environment: the URI may contain a password, and all users can see command lines.
                        "MLFLOW_BACKEND_STORE_URI": tracking.tracking_uri(),
                    },
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        _wait_until_healthy(servers, {page.name: page.health for page in pages if page.command})
        for page in pages:
            print(f"{page.name:<8} {page.address}")
        print("Ctrl-C stops them.", flush=True)
        while all(server.poll() is None for server in servers.values()):
            time.sleep(0.5)
        raise MaskfoldError("a server stopped unexpectedly; is its database in use or damaged?")
    except KeyboardInterrupt:
        print("stopping ...", flush=True)
    finally:
        _stop(servers)


def _prefect(port: int) -> Page:
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        return Page("Prefect", configured.removesuffix("/").removesuffix("/api"))
    _refuse_taken("Prefect", port)
    return Page(
        "Prefect",
        f"http://127.0.0.1:{port}/runs",
        f"http://127.0.0.1:{port}/api/health",
        ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)),
    )


def _mlflow(port: int) -> Page:
    uri = tracking.tracking_uri()
    if uri.startswith("http"):
        return Page("MLflow", tracking.without_password(uri))
    _refuse_taken("MLflow", port)
    tracking.sync_running(uri)  # so that a killed run is shown as failed, not as running
    return Page(
        "MLflow",
        f"http://127.0.0.1:{port}/#/experiments/{tracking.experiment_id(uri)}/runs",
        f"http://127.0.0.1:{port}/health",
        ("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    )


def _refuse_taken(name: str, port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InputError(f"{name}: port {port} is taken; choose another with --{name.lower()}-port")


def _wait_until_healthy(servers: Mapping[str, subprocess.Popen[bytes]], health: Mapping[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = dict(health)
    while waiting:
        for name, address in list(waiting.items()):
            if servers[name].poll() is not None:
                raise MaskfoldError(f"the {name} server ended with exit code {servers[name].returncode}")
            if _answers(address):
                del waiting[name]
        if time.monotonic() > deadline:
            raise MaskfoldError(f"{' and '.join(waiting)} did not answer within {START_SECONDS:.0f} s")
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310 - loopback
            return bool(reply.status == 200)
    except OSError:
        return False


def _stop(servers: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Stop the servers and the processes that they started; each server leads its own process group."""
    for server in servers.values():
        _signal_group(server, signal.SIGTERM)
    for server in servers.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)
        _signal_group(server, signal.SIGKILL)
        server.wait()


def _signal_group(server: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # already gone
        os.killpg(server.pid, signum)
