"""Servers that this process starts on loopback and that end with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from filelock import FileLock

from maskfold.errors import InputError, MaskfoldError
from maskfold.home import prefect_home
from maskfold.redaction import redacted
from maskfold.servers import gate

START_SECONDS = 120.0
"""The first start of a server creates its database."""
STOP_SECONDS = 10.0
REVIVAL_SECONDS = 0.5
"""Time between two looks whether a server is alive."""
USER = "maskfold"


@dataclass
class LocalServer:
    """A running server."""

    name: str
    port: int
    password: str
    """Random; the user is :data:`USER`."""
    start: Callable[[socket.socket], subprocess.Popen[bytes]] = field(repr=False)
    """Starts the process on a listening socket."""
    process: subprocess.Popen[bytes]
    log: IO[bytes] = field(repr=False)
    ending: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def address(self) -> str:
        """Such as ``http://127.0.0.1:4200``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> str:
        """User and password, as Prefect's auth string."""
        return f"{USER}:{self.password}"

    def wait_until_healthy(self, path: str) -> None:
        """Wait until the server answers.

        Raises:
            MaskfoldError: If it does not start.
        """
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.address + path):
            if self.process.poll() is not None:
                raise MaskfoldError(
                    f"the {self.name} server ended with exit code {self.process.returncode}{self._last_words()}"
                )
            if time.monotonic() > deadline:
                raise MaskfoldError(
                    f"the {self.name} server did not answer within {START_SECONDS:.0f} s{self._last_words()}"
                )
            time.sleep(0.1)

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        # A crash ends with frames or blanks, and SQLAlchemy's with an address where the error is explained.
        telling = [line for line in lines if "rror" in line and "Background on this error" not in line] or lines
        return f": {redacted(telling[-1])}" if telling else ""

    def keep_alive(self) -> None:
        """Start the server again whenever it dies, on the same port, until it is stopped; for a thread.

        The out-of-memory killer takes a server as readily as a job, and its history is in a database.
        """
        while not self.ending.wait(REVIVAL_SECONDS):
            if self.process.poll() is not None:
                with contextlib.suppress(OSError, InputError), _listening(self.name, self.port) as listener:
                    self.process = self.start(listener)

    def stop(self) -> None:
        """Stop the server and the processes that it started."""
        self.ending.set()
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.log.close()

    def _signal(self, signum: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # already gone
            os.killpg(self.process.pid, signum)


@contextlib.contextmanager
def prefect_server(
    port: int = 0, landing: str | None = None, links: Mapping[str, str] | None = None
) -> Iterator[LocalServer]:
    """Run Prefect's server on this machine's history.

    Args:
        port: Port; 0 chooses a free one.
        landing: Page to open first; None serves no pages.
        links: Addresses of other servers; see :data:`maskfold.servers.gate.LINKS_VARIABLE`.

    Raises:
        InputError: If the port is taken.
        MaskfoldError: If the server does not start.
    """
    password = secrets.token_urlsafe(24)
    with _listening("Prefect", port) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {
            "PREFECT_SERVER_API_AUTH_STRING": f"{USER}:{password}",
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
            # What users set for servers of their own.
            "PREFECT_SERVER_API_BASE_PATH": "/api",
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "true",
            "PREFECT_API_DATABASE_MIGRATE_ON_START": "true",
            "PREFECT_SERVER_UI_API_URL": "/api",
            "PREFECT_UI_ENABLED": "0" if landing is None else "1",
            "PREFECT__SERVER_FINAL": "1",
            gate.LANDING_VARIABLE: landing or "/",
            gate.LINKS_VARIABLE: json.dumps(links or {}),
            # As for the temporary server of Prefect's own: without services for schedules and late runs.
            **({"PREFECT__SERVER_EPHEMERAL": "1"} if landing is None else {}),
        }
        app = "prefect.server.api.server:create_app"
        with contextlib.ExitStack() as stack:
            with _alone_with_history():
                server = stack.enter_context(_running("Prefect", app, listener, password, environment))
                server.wait_until_healthy("/api/health")
            threading.Thread(target=server.keep_alive, name="server kept alive", daemon=True).start()
            yield server


@contextlib.contextmanager
def _alone_with_history() -> Iterator[None]:
    """Let servers of one history start one after another: two that create its database at once would both fail."""
    folder = Path(os.environ.get("PREFECT_HOME") or prefect_home())
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a server that cannot write there either says so
            stack.enter_context(FileLock(folder / ".start.lock", fallback_to_soft=False))
        yield


@contextlib.contextmanager
def mlflow_server(
    port: int, store: str, artifacts: str, landing: str, links: Mapping[str, str]
) -> Iterator[LocalServer]:
    """Run MLflow's pages; the server accepts no artifacts, it only reads those of its store.

    Args:
        port: Port.
        store: URI of the database. In the environment, because it may contain a password, and all users can see
            command lines.
        artifacts: URI of the folder of new experiments.
        landing: Page to open first.
        links: Addresses of other servers; see :data:`maskfold.servers.gate.LINKS_VARIABLE`.

    Raises:
        InputError: If the port is taken.
        MaskfoldError: If the server does not start.
    """
    password = secrets.token_urlsafe(24)
    environment = {
        # What `mlflow server` sets for its workers; it cannot be given a socket or a middleware.
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": artifacts,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        gate.PASSWORD_VARIABLE: f"{USER}:{password}",
        gate.LANDING_VARIABLE: landing,
        gate.LINKS_VARIABLE: json.dumps(dict(links)),
    }
    with (
        _listening("MLflow", port) as listener,
        _running("MLflow", "mlflow.server.fastapi_app:app", listener, password, environment) as server,
    ):
        server.wait_until_healthy("/health")
        yield server


@contextlib.contextmanager
def _listening(name: str, port: int) -> Iterator[socket.socket]:
    """Yield a listening socket; the server's process gets a copy."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(
                f"{name}: port {port} is taken ({error.strerror}); choose another with --{name.lower()}-port"
            ) from None
        listener.listen(128)
        yield listener


@contextlib.contextmanager
def _running(
    name: str, app: str, listener: socket.socket, password: str, environment: Mapping[str, str]
) -> Iterator[LocalServer]:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the server stops
    kept = {name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")}

    def start(listener: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "maskfold.servers.gate", app, str(listener.fileno())],
            env={**kept, **environment},
            stdin=subprocess.PIPE,  # closes when this process ends, even by SIGKILL
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal reaches this process, which decides
        )

    server = LocalServer(name, listener.getsockname()[1], password, start, start(listener), log)
    try:
        listener.close()  # a request to a server that has ended must fail, not wait
        yield server
    finally:
        server.stop()


def _answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
