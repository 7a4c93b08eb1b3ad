"""Standard streams that never decide over a run: what cannot be written is dropped, and noted."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, ClassVar, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Forgiving(io.FileIO):
    """A file whose writes never fail: a full disk, a closed terminal, a reader that has gone."""

    faults: ClassVar[dict[int, OSError]] = {}
    """The first error of each descriptor."""

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.faults.setdefault(self.fileno(), error)
            return memoryview(content).nbytes


def harden_standard_streams() -> None:
    """Make standard input, output and error usable whatever they are connected to.

    A descriptor that is closed gets the null device: otherwise the next file or socket that is opened would get its
    number, and whatever is printed would be written into it. A character that the terminal's encoding lacks is escaped.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            _Forgiving.faults[descriptor] = error
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
            os.set_inheritable(descriptor, True)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor
    sys.stdout = _stream(1, sys.stdout)
    sys.stderr = _stream(2, sys.stderr)


def lost_output(wanted: bool = False) -> str | None:
    """Return why standard output could not be written; None if all of it was.

    Args:
        wanted: Whether only faults count, and not that the reader has gone or the user has closed the stream.
    """
    sys.stdout.flush()
    error = _Forgiving.faults.get(1)
    if error is None or (wanted and error.errno in (errno.EPIPE, errno.EBADF)):
        return None
    return error.strerror or str(error)


def _stream(descriptor: int, replaced: TextIO | None) -> TextIO:
    if replaced is not None:
        replaced.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(cast("io.RawIOBase", _Forgiving(descriptor, "w", closefd=False))),
        encoding=getattr(replaced, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
