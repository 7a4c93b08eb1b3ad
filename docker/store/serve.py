"""Runs the object store in the foreground: OpenStack Swift on one disk.

Settings: ``STORE_FOLDER``; ``STORE_PORT``, the port of S3; ``AWS_ACCESS_KEY_ID``, ``account:user``, and
``AWS_SECRET_ACCESS_KEY`` of the only account.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from swift_config import SERVERS, UPDATER, write_config

PORTS = {"account": 6202, "container": 6201, "object": 6200, "proxy": int(os.environ.get("STORE_PORT", "8080"))}


def main() -> int:
    """Start all processes; end all when one ends or the container is stopped."""
    folder, programs = Path(os.environ["STORE_FOLDER"]), Path(sys.executable).parent
    account, _, user = os.environ["AWS_ACCESS_KEY_ID"].partition(":")
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    if not (account and user and secret) or any(part.split() != [part] for part in (account, user, secret)):
        print("AWS_ACCESS_KEY_ID: expected account:user, and a secret without blanks", file=sys.stderr)
        return 2
    write_config(folder, Path(sys.executable), PORTS, account, user, secret, address="0.0.0.0")
    commands = [[f"swift-{name}-server", f"{name}.conf"] for name in SERVERS] + [[f"swift-{UPDATER}", "object.conf"]]
    children = [
        subprocess.Popen([programs / program, folder / "etc" / settings, "-v"]) for program, settings in commands
    ]
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sys.exit(0))
    try:
        while all(child.poll() is None for child in children):
            time.sleep(1)
        return 1
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=20)


if __name__ == "__main__":
    sys.exit(main())
