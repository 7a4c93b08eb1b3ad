"""A quick test that starts a server fails unless it has the marker ``servers``; `make test-fast` leaves those out."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator

FIXTURES = {
    *("docker", "engine", "images", "mlflow_server", "prefect_server", "prefect_url", "s3_server", "served", "stack")
}
"""Tests that use one of these fixtures, directly or not, get the marker automatically."""
_COMMANDS = re.compile(
    r"prefect server|prefect\.server|mlflow server|swift-\w+-server|^(\S*/)?docker |"
    r"maskfold serve|maskfold\.(cli ui|servers\.)"
)


class ServerStartedError(Exception):
    """A test without the marker ``servers`` starts a server."""


_forbidden = 0


@contextlib.contextmanager
def no_servers() -> Iterator[None]:
    """Inside, every attempt of this process to start a server raises."""
    global _forbidden
    _forbidden += 1
    try:
        yield
    finally:
        _forbidden -= 1


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _forbidden:
        command = arguments[1]
        text = " ".join(map(str, command)) if isinstance(command, (list, tuple)) else str(command)
        if _COMMANDS.search(text):
            raise ServerStartedError(f"{text}: mark this test with pytest.mark.servers")


sys.addaudithook(_refuse)  # cannot be taken away again
