"""The life of the server: open the port, load the model, answer, finish what was begun, end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import uvicorn

from maskfold.cores import usable_cores
from maskfold.models import FoundModel
from maskfold.serving.access import Access
from maskfold.serving.address import names_of
from maskfold.serving.application import make_application
from maskfold.serving.connection import connections_of
from maskfold.serving.current import CurrentModel, Lookout
from maskfold.serving.limits import Limits
from maskfold.serving.metrics import Metrics
from maskfold.serving.pipeline import Pipeline
from maskfold.serving.predicting import Desk

_GRACE: Final = 5.0
"""Seconds beyond the longest answer until a server that was told to stop ends."""


@dataclass(frozen=True)
class Service:
    """What to serve, and to whom."""

    reference: str
    """Which model; see :func:`maskfold.models.find_model`."""
    workspace: str
    host: str
    token: str | None
    """What clients must show; None: none is needed."""
    limits: Limits = field(default_factory=Limits)
    look_seconds: float = 10.0
    """Between two looks whether the reference means another model; 0: never."""


def serve(
    service: Service, found: FoundModel, listener: socket.socket, on_ready: Callable[[CurrentModel], None]
) -> int:
    """Answer until a signal comes, and finish what was begun.

    Args:
        service: What to serve.
        found: The model that the reference means now.
        listener: The open port.
        on_ready: Called once, when the model is loaded.

    Returns:
        The signal that ended it.

    Raises:
        MaskfoldError: If the model cannot be loaded.
    """
    limits, metrics, cores = service.limits, Metrics(), usable_cores()
    current = CurrentModel(service.reference, service.workspace, metrics)
    # While the networks compute, the next photographs are cut out: more threads than cores would wait for each other.
    pipeline = Pipeline(cores, max(1, cores // 2), limits, metrics)
    desk = Desk(current, pipeline, limits, metrics)
    application = make_application(current, desk, metrics)
    names = names_of(service.host, listener.getsockname()[1])
    config = uvicorn.Config(
        Access(application, service.token, names, metrics.count),
        http=connections_of(limits.head_seconds),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=round(limits.answer_seconds + _GRACE),
    )
    server = _Server(config, desk)
    opening = _Opening(current, found, server, on_ready)
    lookout = Lookout(current, service.look_seconds)
    pipeline.start()
    opening.start()
    if service.look_seconds:
        lookout.start()
    server.run(sockets=[listener])
    ended = [lookout.stop(), pipeline.stop(_GRACE), not opening.is_alive()]
    if not all(ended):
        _end_at_once(server.ended_by)
    opening.raise_failure()
    return server.ended_by


def exit_code(ended_by: int) -> int:
    """Return the exit code after a signal: to be told to stop is no error."""
    return 0 if ended_by == signal.SIGTERM else 128 + ended_by


def _end_at_once(ended_by: int) -> None:
    """End while a thread is busy: the interpreter must not be taken down under it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code(ended_by))


class _Server(uvicorn.Server):
    """uvicorn, which a signal only tells to stop."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk
        self.ended_by = 0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, number)
        yield

    def stop(self, number: int) -> None:
        """Finish what was begun; the second time, end at once."""
        self.force_exit = self.should_exit
        self.should_exit, self.ended_by = True, self.ended_by or number
        self._desk.stop()


class _Opening(threading.Thread):
    """Loads the first model while the server already says that it does."""

    def __init__(
        self, current: CurrentModel, found: FoundModel, server: _Server, on_ready: Callable[[CurrentModel], None]
    ) -> None:
        super().__init__(name="opening", daemon=True)
        self._current, self._found, self._server, self._on_ready = current, found, server, on_ready
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            self._current.load(self._found)
            self._on_ready(self._current)
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            self._failure = error
            self._server.should_exit = True

    def raise_failure(self) -> None:
        """Raise what went wrong.

        Raises:
            MaskfoldError: If the model cannot be loaded.
        """
        if self._failure is not None:
            raise self._failure
