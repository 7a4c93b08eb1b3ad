"""The two user interfaces, started as `make ui` starts them."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.servers.ports import free_ports

pytestmark = pytest.mark.servers


@pytest.mark.slow
def test_both_pages_open_and_ctrl_c_stops_both(tmp_path: Path) -> None:
    prefect_port, mlflow_port = free_ports(2)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "maskfold.cli", "ui"),
            *("--prefect-port", str(prefect_port), "--mlflow-port", str(mlflow_port)),
        ],
        env={**os.environ, "MASKFOLD_HOME": str(tmp_path / "maskfold"), "PREFECT_HOME": str(tmp_path / "prefect")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        addresses = [process.stdout.readline().split()[-1] for _ in range(2)]
        assert addresses[0] == f"http://127.0.0.1:{prefect_port}/runs"
        assert addresses[1] == f"http://127.0.0.1:{mlflow_port}/#/experiments/1/runs"
        for address in addresses:
            page = urllib.request.Request(address, headers={"Accept": "text/html"})
            with urllib.request.urlopen(page, timeout=10) as reply:
                assert b"<html" in reply.read().lower()
        servers = psutil.Process(process.pid).children(recursive=True)
        assert servers
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=40) == 0
        assert not psutil.wait_procs(servers, timeout=10)[1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]) as other:
        try:
            _wait_for(port)
            done = subprocess.run(
                [sys.executable, "-m", "maskfold.cli", "ui", "--prefect-port", str(port)],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            other.kill()
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr


def _wait_for(port: int) -> None:
    import time

    from tests.servers.ports import listens

    deadline = time.monotonic() + 20
    while not listens(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
