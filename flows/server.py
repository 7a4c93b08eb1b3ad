"""The Prefect server that records a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from maskfold.errors import InputError, UnavailableError


def refuse_dead_server() -> None:
    """Make sure that a configured server answers; without one, Prefect starts its own.

    Raises:
        InputError: If ``PREFECT_API_URL`` names something that is no Prefect server, or one that cannot be reached.
    """
    address = PREFECT_API_URL.value()
    if not address:
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
