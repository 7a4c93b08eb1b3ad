"""docs/notifications.md: the lines are run as they are there, but for the address."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"
PATIENCE = 120
"""Seconds until a message counts as lost."""


@pytest.fixture
def hook() -> Iterator[tuple[str, Queue[str]]]:
    """An address that takes messages, and those that came."""
    came: Queue[str] = Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a message."""
            came.put(json.loads(self.rfile.read(int(self.headers["content-length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/team", came
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.servers
@pytest.mark.slow
def test_the_page_tells_how_to_hear_of_runs(hook: tuple[str, Queue[str]]) -> None:
    address, came = hook
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "https://hooks.example.com/team" in lines
    exec(lines.replace("https://hooks.example.com/team", address), {})

    @flow(name="train", flow_run_name="fast photos 0.513")
    def good() -> None: ...

    @flow(name="train", flow_run_name="fast photos")
    def bad() -> None:
        raise ValueError("no such folder")

    @flow(name="another")
    def other() -> None: ...

    try:
        other()
        good()
        said = came.get(timeout=PATIENCE)
        assert re.fullmatch(r"fast photos 0\.513: Completed +(None|\S*/flow-run/\S+)", said)
        with pytest.raises(ValueError, match="no such folder"):
            bad()
        said = came.get(timeout=PATIENCE)
        assert re.fullmatch(r"fast photos: Failed Flow run .*no such folder +(None|\S*/flow-run/\S+)", said)
        assert came.empty()
    finally:
        with get_client(sync_client=True) as client:  # other tests of this server run flows, too
            for automation in client.read_automations_by_name("maskfold: a run has ended"):
                client.delete_automation(automation.id)
