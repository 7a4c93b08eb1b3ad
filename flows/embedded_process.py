"""The process of the embedded server: ``python embedded_process.py DESCRIPTOR`` serves on a socket that is bound."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

STOP_SECONDS = 5.0


def main(descriptor: int) -> None:
    """Serve until SIGTERM, or until the process that started this one is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    # Like the run that it records, the server has no use for connections that stay open at the end.
    config = uvicorn.Config(create_app, factory=True, log_level="error", lifespan="on", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def _end_with_parent() -> None:
    while os.read(0, 1):  # the end of the pipe: all processes that could write to it are gone
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
