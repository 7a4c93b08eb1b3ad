"""This machine's own addresses: never reached through an HTTP proxy."""

from __future__ import annotations

import ipaddress
import os

NAMES = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine itself; a name that only looks like one is not."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def never_proxy_loopback() -> None:
    """Add loopback to ``NO_PROXY`` of this process and of those that it starts.

    Libraries read either spelling, and some prefer the one in lower case, so both get all names.
    """
    given = [part.strip() for name in ("no_proxy", "NO_PROXY") for part in os.environ.get(name, "").split(",")]
    hosts = ",".join(dict.fromkeys([*filter(None, given), *NAMES]))
    os.environ |= {"NO_PROXY": hosts, "no_proxy": hosts}
