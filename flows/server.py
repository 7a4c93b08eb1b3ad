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

from flows.embedded import uses_embedded_server
from maskfold.errors import InputError, UnavailableError

LOOPBACK_UI = "http://127.0.0.1:4200"
"""Address of Prefect in `maskfold ui`, on its default port."""


def page_of_this_run() -> str:
    """Return the URL of the flow run's page: on the server, or in `maskfold ui` for the embedded server."""
    if uses_embedded_server():  # it has no pages, and stops with the run
        return f"{LOOPBACK_UI}/flow-runs/flow-run/{flow_run.id}"
    return str(flow_run.ui_url or "")


def refuse_dead_server() -> None:
    """Check that the configured server answers, or that Prefect can start an embedded one.

    Raises:
        InputError: If the server of ``PREFECT_API_URL`` cannot be reached or is not a Prefect server; or if no server
            is configured and Prefect's home is not writable.
    """
    address = PREFECT_API_URL.value()
    if not address:
        _refuse_home_that_cannot_be_written(PREFECT_HOME.value())
        return
    with get_client(sync_client=True) as client:
        try:
            client.api_version()
        except Exception as error:  # noqa: BLE001 - HTTP, URL and JSON libraries each raise their own errors
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
            "set PREFECT_HOME to a writable folder, or PREFECT_API_URL to a server"
        ) from None


@contextlib.contextmanager
def server_may_vanish() -> Iterator[None]:
    """Report in one message that the server became unreachable while a flow ran.

    Raises:
        UnavailableError: If the flow ends because Prefect's client cannot reach the server.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise UnavailableError(
            f"the Prefect server that records this run no longer answers ({error or type(error).__name__}); "
            "finished work is kept in the workspace: start the server, or unset PREFECT_API_URL, and run again"
        ) from error
