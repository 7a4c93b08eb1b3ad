"""Refuses passwords that others know or can guess, and an address that is none, before anything starts.

The passwords protect the socket of the engine, which is equivalent to root. On loopback too: every account of this
machine can connect to it.
"""

import ipaddress
import os
import re
import sys
from collections.abc import Mapping

PASSWORDS = ("POSTGRES_PASSWORD", "STORE_PASSWORD", "PREFECT_PASSWORD", "MLFLOW_PASSWORD")
SHORTEST = 16
ADDRESSES = ("BIND", "TLS_BIND")


def complaints(settings: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the settings."""
    found = []
    for name in PASSWORDS:
        value = settings.get(name, "")
        if value.startswith("example-"):
            found.append(f"{name} is an example password, which everyone knows; {_remedy(name)}")
        elif len(value) < SHORTEST or len(set(value)) < 6:
            found.append(
                f"{name} has {len(value)} characters, {len(set(value))} of them different; "
                f"expected at least {SHORTEST}, and 6 different; {_remedy(name)}"
            )
        elif not re.fullmatch(r"[A-Za-z0-9._~-]+", value):
            found.append(f"{name} is part of addresses: expected only letters, digits and . _ ~ -; {_remedy(name)}")
    for name in ADDRESSES:
        bind = settings.get(name, "")
        if address_of(bind) is None:
            found.append(f"{name}={bind}: expected an IP address of this machine, such as 127.0.0.1 or 0.0.0.0")
    cache = settings.get("CACHE_GB", "")
    if not re.fullmatch(r"\d+(\.\d+)?", cache):
        found.append(f"CACHE_GB={cache}: expected the size of the jobs' cache in GB, such as 50")
    return found


def address_of(bind: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address; None for anything else, also for a name such as ``127.example.org``."""
    try:
        return ipaddress.ip_address(bind.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _remedy(name: str) -> str:
    return f"set {name} to the output of: openssl rand -hex 24"


if __name__ == "__main__":
    for complaint in (wrong := complaints(os.environ)):
        print(f"docker/.env: {complaint}", file=sys.stderr)
    if wrong:
        sys.exit(2)
    address = address_of(os.environ["BIND"])
    if address is not None and not address.is_loopback:
        print(
            f"docker/.env: BIND={address} opens the ports to other machines, without encryption: "
            "use a trusted network only, or leave BIND at 127.0.0.1 and set TLS_NAME and TLS_BIND"
        )
