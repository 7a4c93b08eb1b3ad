"""Guard of ``make test-fast``: a test that starts a server fails there unless it has the marker ``servers``."""

from __future__ import annotations

import os
import re
import sys

FIXTURES = {"docker", "engine", "images", "mlflow_server", "prefect_server", "prefect_url", "s3_server", "stack"}
"""Tests that use one of these fixtures, directly or not, get the marker automatically."""
_COMMANDS = re.compile(
    r"prefect server|prefect\.server|mlflow server|swift-\w+-server|^(\S*/)?docker |maskfold\.(cli ui|servers\.)"
)


class ServerStartedError(Exception):
    """A test without the marker ``servers`` starts a server."""


def forbid_servers() -> None:
    """Make every attempt of this process to start a server raise, permanently."""
    # A flow without a server would start one in its own process.
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen":
        command = arguments[1]
        text = " ".join(map(str, command)) if isinstance(command, (list, tuple)) else str(command)
        if _COMMANDS.search(text):
            raise ServerStartedError(f"{text}: mark this test with pytest.mark.servers")
