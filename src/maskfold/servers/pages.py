"""The Prefect and MLflow user interfaces for past runs, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from maskfold import tracking
from maskfold.errors import InputError, MaskfoldError
from maskfold.redaction import without_password
from maskfold.servers.gate import OPEN
from maskfold.servers.local import USER, LocalServer, mlflow_server, prefect_server

PREFECT_PAGE = "/runs"


def serve(prefect_port: int, mlflow_port: int) -> None:
    """Start the servers that do not run elsewhere, print the addresses, and wait for Ctrl-C or SIGTERM.

    The addresses contain random passwords of the servers, which other users of this machine cannot see.

    Raises:
        InputError: If a port is taken, or named twice.
        MaskfoldError: If a server does not start.
    """
    prefect, mlflow = os.environ.get("PREFECT_API_URL", ""), tracking.tracking_uri()
    if prefect_port == mlflow_port and not prefect and not mlflow.startswith("http"):
        raise InputError(f"port {prefect_port} is given for both Prefect and MLflow; choose another with --mlflow-port")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        pages = {
            "Prefect": without_password(prefect).removesuffix("/").removesuffix("/api") or _local(prefect_port),
            "MLflow": without_password(mlflow) if mlflow.startswith("http") else _local(mlflow_port),
        }
        links = {name.lower(): page for name, page in pages.items()}
        with contextlib.ExitStack() as stack:
            servers: list[LocalServer] = []
            if not prefect:
                servers.append(stack.enter_context(prefect_server(prefect_port, PREFECT_PAGE, links)))
                pages["Prefect"] = f"{servers[-1].address}{OPEN}#{quote(servers[-1].credentials)}"
            if not mlflow.startswith("http"):
                servers.append(stack.enter_context(_mlflow(mlflow, mlflow_port, links)))
                # A browser keeps these credentials for this address only.
                pages["MLflow"] = f"http://{servers[-1].credentials}@127.0.0.1:{servers[-1].port}{OPEN}"
            for name, address in pages.items():
                print(f"{name:<8} {address}")
            for server in servers:
                print(f"If {server.name} asks: user {USER}, password {server.password}")
            print("Only you can open these addresses: do not pass them on. Ctrl-C stops the servers.", flush=True)
            _wait(servers)
    except KeyboardInterrupt:
        print("stopped", flush=True)


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _mlflow(uri: str, port: int, links: Mapping[str, str]) -> contextlib.AbstractContextManager[LocalServer]:
    tracking.sync_running(uri)  # so that a killed run is shown as failed, not as running
    artifacts = tracking.artifact_folder(uri)
    landing = f"/#/experiments/{tracking.experiment_id(uri)}/runs{tracking.TRAINING_VIEW}"
    return mlflow_server(port, uri, Path(artifacts).as_uri(), landing, links)


def _wait(servers: list[LocalServer]) -> None:
    while all(server.process.poll() is None for server in servers):
        time.sleep(0.5)
    raise MaskfoldError("a server stopped unexpectedly; is its database in use or damaged?")
