"""The Prefect server that records a run."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.runtime import flow_run
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_UI_URL,
    temporary_settings,
)

from maskfold.errors import InputError, UnavailableError
from maskfold.launch.stopping import current_stop
from maskfold.loopback import PAGES
from maskfold.redaction import without_password
from maskfold.servers.local import prefect_server

DRAIN_SECONDS = 2.0
LOOPBACK_UI = PAGES["prefect"]
"""Address of Prefect in `maskfold ui`, on its default port."""


def page_of_this_run() -> str:
    """Return the URL of the flow run's page: on the server, or in `maskfold ui` for the embedded server."""
    page = without_password(str(flow_run.ui_url or ""))
    # Prefect's embedded server has no pages and returns "None/flow-runs/...".
    return page if page.startswith("http") else f"{LOOPBACK_UI}/flow-runs/flow-run/{flow_run.id}"


def is_embedded() -> bool:
    """Return whether this run's server ends with it, so that `maskfold ui` shows its pages."""
    return page_of_this_run().startswith(LOOPBACK_UI)


@contextlib.contextmanager
def recording_server() -> Iterator[None]:
    """Make sure that a server records the flows that run inside: the configured one, or an embedded one.

    Raises:
        InputError: If the server of ``PREFECT_API_URL`` cannot be reached or is not a Prefect server; or if no server
            is configured, and an embedded one is not allowed or Prefect's home is not writable.
        MaskfoldError: If the embedded server does not start.
    """
    if PREFECT_API_URL.value():
        refuse_dead_server()
        with quiet_about_lost_logs():
            yield
        return
    _refuse_home_that_cannot_be_written(PREFECT_HOME.value())
    if not PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value():
        raise InputError(
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE is off, so no Prefect server may be embedded, and PREFECT_API_URL "
            "names no other; switch the first on, or set the second"
        )
    with prefect_server() as server:
        settings = {
            PREFECT_API_URL: f"{server.address}/api",
            PREFECT_API_AUTH_STRING: server.credentials,
            PREFECT_UI_URL: LOOPBACK_UI,  # this server ends with the run; `maskfold ui` shows its history
        }
        with temporary_settings(settings), quiet_about_lost_logs():
            try:
                yield
            finally:
                # Prefect sends logs and events in the background, and complains if the server ends before.
                APILogWorker.drain_all(timeout=DRAIN_SECONDS)
                EventsWorker.drain_all(timeout=DRAIN_SECONDS)


@contextlib.contextmanager
def quiet_about_lost_logs() -> Iterator[None]:
    """Keep Prefect from printing two lines for each batch of log lines that its server does not accept.

    A server whose disk is full refuses hundreds. That it fails is said once, when the run ends.
    """
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        logging.raiseExceptions = before


def said_by(error: Exception) -> str:
    """Return what an HTTP error says, without the addresses and advice that libraries add."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answers {error.response.status_code} {error.response.reason_phrase}"
    return str(error) or type(error).__name__


def refuse_dead_server() -> None:
    """Check that the configured server answers.

    Raises:
        InputError: If none is configured, it cannot be reached, it is not a Prefect server, or it wants a password.
    """
    address = PREFECT_API_URL.value()
    if not address:
        raise InputError("PREFECT_API_URL is not set; set it to the address of a Prefect server, ending with /api")
    shown = without_password(address)
    with get_client(sync_client=True) as client:
        try:
            client.api_version()
        except Exception as error:  # noqa: BLE001 - HTTP, URL and JSON libraries each raise their own errors
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == HTTPStatus.UNAUTHORIZED:
                raise InputError(
                    f"PREFECT_API_URL={shown}: the server rejects the password; expected "
                    "PREFECT_API_AUTH_STRING=user:password, as set on the server"
                ) from None
            raise InputError(
                f"PREFECT_API_URL={shown}: no Prefect server answers there ({error or type(error).__name__}); "
                "start it, correct the address (it ends with /api), or unset it to run without a server"
            ) from None


def is_open_to_all() -> bool:
    """Return whether the configured server answers without credentials."""
    try:
        return httpx.get(f"{PREFECT_API_URL.value()}/admin/version", timeout=10).is_success
    except httpx.HTTPError:
        return False


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


def _what_to_check() -> str:
    if PREFECT_UI_URL.value() == LOOPBACK_UI:  # the embedded one; outside of the flow, no run says so
        return f"check whether the disk of PREFECT_HOME ({PREFECT_HOME.value()}) is full"
    return "check the server and the disk of its database, or unset PREFECT_API_URL"


@contextlib.contextmanager
def recorded_here(shown: contextlib.AbstractContextManager[object]) -> Iterator[None]:
    """Have a flow that runs inside, in this process, recorded, and ended by a signal in order.

    Args:
        shown: Entered when the server is up: shows the progress.

    Raises:
        InputError, MaskfoldError: See :func:`recording_server`.
        UnavailableError: See :func:`server_may_vanish`.
        Stopped: If a signal has asked to stop.
    """
    stop = current_stop()
    ended = stop.ends_flow() if stop else contextlib.nullcontext()
    with recording_server(), shown, ended, server_may_vanish():
        yield


@contextlib.contextmanager
def server_may_vanish() -> Iterator[None]:
    """Report in one message that the server became unreachable or unusable while a flow ran.

    Raises:
        UnavailableError: If the flow ends because Prefect's client cannot reach the server, or the server fails.
    """
    try:
        yield
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"the Prefect server that records this run no longer works ({said_by(error)}); finished work is kept in "
            f"the workspace: {_what_to_check()}, and run again"
        ) from error
