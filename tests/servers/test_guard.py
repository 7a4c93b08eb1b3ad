"""No server in quick tests."""

import subprocess
import sys
from contextlib import nullcontext

import pytest

from tests.servers.guard import ServerStartedError, no_servers


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (["python", "-m", "prefect", "server", "start"], True),
        (["python", "-m", "mlflow", "server"], True),
        (["/venv/bin/swift-proxy-server", "proxy.conf"], True),
        (["docker", "info"], True),
        (["python", "-m", "maskfold", "serve"], True),
        ([sys.executable, "-c", "pass"], False),
    ],
)
def test_starting_a_server_raises(command: list[str], refused: bool) -> None:
    with pytest.raises(ServerStartedError, match=r"pytest\.mark\.servers") if refused else nullcontext(), no_servers():
        subprocess.run(command, check=True)


def test_a_fixture_with_a_server_marks_its_test(request: pytest.FixtureRequest) -> None:
    marked = {item.nodeid for item in request.session.items if item.get_closest_marker("servers")}
    asked = {item.nodeid for item in request.session.items if "prefect_url" in getattr(item, "fixturenames", ())}
    assert asked <= marked
