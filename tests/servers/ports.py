"""Free ports."""

from __future__ import annotations

import contextlib
import random
import socket


def free_ports(count: int) -> list[int]:
    """Return different free loopback ports; all are held while choosing, so that none is returned twice."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def lasting_ports(count: int) -> list[int]:
    """Return different free loopback ports for servers that start minutes later, while other tests run.

    The kernel gives none of them to a program that asks for any port, or connects somewhere.
    """
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1000):
        if len(found) < count:
            with contextlib.suppress(OSError), socket.socket() as one:
                one.bind(("127.0.0.1", port))
                found.append(port)
    return found


def listens(port: int) -> bool:
    """Return whether a process accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
