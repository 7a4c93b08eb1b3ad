"""A terminal that a person starts a run in."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path


class Terminal:
    """A pseudo-terminal with one program in the foreground; what it shows is kept."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        self._shown, self._closing = bytearray(), threading.Event()
        self.process = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm", "COLUMNS": "120"},
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # keys become signals to its group
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, keys: bytes) -> None:
        """Type; ``\\x03`` is Ctrl-C."""
        os.write(self._master, keys)

    def close(self) -> None:
        """Close the window: the program gets SIGHUP, and cannot read or write any more."""
        self._closing.set()
        self._reader.join()

    def shown(self) -> str:
        """Return everything that the program has shown; waits for the rest if it has ended."""
        if self.process.poll() is not None:
            self._reader.join(5)
        return bytes(self._shown).decode(errors="replace").replace("\r\n", "\n")

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # raised when the program has ended
            while not self._closing.is_set():
                if select.select([self._master], [], [], 0.05)[0]:
                    self._shown += os.read(self._master, 4096)
        os.close(self._master)
