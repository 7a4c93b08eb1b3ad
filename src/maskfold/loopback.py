"""This machine's own addresses: never reached through an HTTP proxy."""

from __future__ import annotations

import ipaddress
import os

PAGES = {"prefect": "http://127.0.0.1:4200", "mlflow": "http://127.0.0.1:5000"}
"""Where `maskfold ui` shows each user interface, by default."""
NAMES = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine itself; a name that only looks like one is not."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def between_pages(address: str) -> str:
    """Return a link from one page of `maskfold ui` to another, which leads there whatever the ports are.

    Each of its servers sends ``/prefect/...`` and ``/mlflow/...`` on to the other one.

    Args:
        address: The link's target; one on another server is returned as it is.
    """
    for name, page in PAGES.items():
        if address == page or address.startswith(f"{page}/"):
            return f"/{name}/{address.removeprefix(page).removeprefix('/')}"
    return address


def never_proxy_loopback() -> None:
    """Add loopback to ``NO_PROXY`` of this process and of those that it starts.

    Libraries read either spelling, and some prefer the one in lower case, so both get all names.
    """
    given = [part.strip() for name in ("no_proxy", "NO_PROXY") for part in os.environ.get(name, "").split(",")]
    hosts = ",".join(dict.fromkeys([*filter(None, given), *NAMES]))
    os.environ |= {"NO_PROXY": hosts, "no_proxy": hosts}
