"""Where the server listens."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from maskfold.errors import InputError
from maskfold.loopback import NAMES, is_loopback

_HTTP = 80


def listen(host: str, port: int) -> socket.socket:
    """Open a port.

    Args:
        host: Name or address of this machine.
        port: 0 chooses a free one.

    Raises:
        InputError: If it is taken, or not this machine's; the message says what to do.
    """
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror:
        raise InputError(
            f"--host {host}: no such name; expected an address of this machine, such as 127.0.0.1"
        ) from None
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "another program listens there already; choose another --port, or 0 for a free one",
            errno.EACCES: "only root may open it; choose a --port above 1023",
            errno.EADDRNOTAVAIL: "not an address of this machine; choose another --host",
        }
        reason = reasons.get(error.errno or 0, (error.strerror or str(error)).lower())
        raise InputError(f"{where} cannot be opened: {reason}") from None


def names_of(host: str, port: int) -> Iterable[str] | None:
    """Return how clients on this machine call a server on loopback; None if it is not on loopback."""
    if not is_loopback(host):
        return None
    hosts = {f"[{name}]" if ":" in name else name for name in (*NAMES, host.strip("[]"))}
    return [*(f"{name}:{port}" for name in hosts), *(hosts if port == _HTTP else ())]
