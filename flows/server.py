"""The Prefect server that records a run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_HOME

from maskfold.errors import InputError, UnavailableError

LOOPBACK_UI = "http://127.0.0.1:4200"
"""Where `maskfold ui` shows Prefect, unless it is told another port."""


def page_of_this_run() -> str:
    """Return where a person looks at the flow run: on the server, or where `maskfold ui` shows the embedded one."""
    page = str(flow_run.ui_url or "")
    # Prefect's embedded server has no page of its own, and says "None/flow-runs/...".
    return page if page.startswith("http") else f"{LOOPBACK_UI}/flow-runs/flow-run/{flow_run.id}"


def refuse_dead_server() -> None:
    """Make sure that a configured server answers, or that Prefect can start its own.

    Raises:
        InputError: If ``PREFECT_API_URL`` names something that is no Prefect server, or one that cannot be reached;
            or if there is no server and Prefect's home cannot be written.
    """
    address = PREFECT_API_URL.value()
    if not address:
        _refuse_home_that_cannot_be_written(PREFECT_HOME.value())
        return
    with get_client(sync_client=True) as client:
        try:
            client.api_version()
        except Exception as error:  # noqa: BLE001 - HTTP, URL and JSON libraries each raise their own
            parts = urlsplit(address)
            shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # without a password
            raise InputError(
                f"PREFECT_API_URL={shown}: no Prefect server answers there ({error or type(error).__name__}); "
                "start it, correct the address (it ends with /api), or unset it to run without a server"
            ) from None


def _refuse_home_that_cannot_be_written(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise InputError(
            f"PREFECT_HOME {home}: cannot be written ({error.strerror or error}), and Prefect keeps its history there; "
            "let PREFECT_HOME name a folder that can be, or PREFECT_API_URL a server"
        ) from None


@contextlib.contextmanager
def server_may_vanish() -> Iterator[None]:
    """Say it in one message when the server goes away for good while a flow runs.

    Raises:
        UnavailableError: If the flow ends because Prefect's client cannot reach the server.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise UnavailableError(
            f"the Prefect server that records this run does not answer any more ({error or type(error).__name__}); "
            "what is finished is kept in the workspace: start the server, or unset PREFECT_API_URL, and run again"
        ) from error
