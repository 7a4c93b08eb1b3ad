"""Short paths for the sockets through which processes of this machine speak."""

from __future__ import annotations

import multiprocessing.util
import os
import tempfile
from typing import Final

_LONGEST: Final = 70
"""Bytes of a folder's path that leave room for the two names that multiprocessing appends: the path of a Unix socket
has at most 103 bytes on macOS and 107 on Linux."""
_SHORT: Final = "/tmp"  # noqa: S108 - holds a folder of random name that only this user may enter


def shorten_socket_paths() -> None:
    """Let multiprocessing keep its sockets in ``/tmp`` if the path of the folder for temporary files is too long."""
    if len(os.fsencode(tempfile.gettempdir())) <= _LONGEST:
        return
    usual, tempfile.tempdir = tempfile.tempdir, _SHORT
    try:
        multiprocessing.util.get_temp_dir()  # made once; child processes inherit it
    finally:
        tempfile.tempdir = usual
