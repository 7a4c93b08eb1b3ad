"""No server in `make test-fast`."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, subprocess, sys
from tests.servers.guard import forbid_servers
forbid_servers()
subprocess.run(json.load(sys.stdin))
"""


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (["python", "-m", "prefect", "server", "start"], True),
        (["python", "-m", "mlflow", "server"], True),
        (["/venv/bin/swift-proxy-server", "proxy.conf"], True),
        (["docker", "info"], True),
        ([sys.executable, "-c", "pass"], False),
    ],
)
def test_starting_a_server_raises(command: list[str], refused: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], input=json.dumps(command), capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == refused
    assert ("pytest.mark.servers" in done.stderr) == refused


def test_a_fixture_with_a_server_marks_its_test(request: pytest.FixtureRequest) -> None:
    marked = {item.nodeid for item in request.session.items if item.get_closest_marker("servers")}
    asked = {item.nodeid for item in request.session.items if "prefect_url" in getattr(item, "fixturenames", ())}
    assert asked <= marked
