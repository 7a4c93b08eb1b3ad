"""Bodies of requests, read as they arrive and no further than they are allowed to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from maskfold.serving.limits import MEBI, Limits
from maskfold.serving.refusal import SOON, RefusedError

_DIGITS: Final = 15
"""No length has more."""


class Memory:
    """The bytes that all requests together hold until they are answered.

    It belongs to the event loop, so it needs no lock.

    Args:
        size: How many they may be.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.held = 0

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Give a request its share, and take it back at the end."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self.held -= lease.held

    def take(self, size: int) -> bool:
        """Take some bytes, and return whether they were left."""
        if self.held + size > self._size:
            return False
        self.held += size
        return True


@dataclass
class Lease:
    """What one request holds."""

    memory: Memory
    held: int = 0
    complete: bool = False
    """Whether all of the request has been read."""

    def extend(self, size: int) -> None:
        """Hold more.

        Raises:
            RefusedError: If the memory for all requests is used up.
        """
        if not self.memory.take(size):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too many requests are being answered; try again", SOON)
        self.held += size


class Arrivals:
    """The requests that are being read: each has its time, and none any more when the server stops.

    Args:
        seconds: For each.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: set[asyncio.Timeout] = set()
        self.stopped = False

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Limit the time of reading one request.

        Raises:
            RefusedError: If it takes too long, or the server stops.
        """
        self._check_open()
        try:
            async with asyncio.timeout(self._seconds) as timeout:
                self._open.add(timeout)
                try:
                    yield
                finally:
                    self._open.discard(timeout)
        except TimeoutError:
            self._check_open()
            slow = f"the request did not arrive within {self._seconds:g} s"
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, slow, {"connection": "close"}) from None

    def stop(self) -> None:
        """Refuse those that are being read, and all that follow."""
        self.stopped = True
        for timeout in self._open:
            timeout.reschedule(0)

    def _check_open(self) -> None:
        if self.stopped:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the server is stopping", {"connection": "close"})


async def chunks(request: Request, limits: Limits, lease: Lease) -> AsyncIterator[bytes]:
    """Yield the body of a request in pieces.

    Raises:
        RefusedError: If it is too long, or there is no memory for it.
        ClientDisconnect: If the client leaves.
    """
    stated = request.headers.get("content-length", "0")
    if not stated.isdecimal() or len(stated) > _DIGITS:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "content-length is not a number")
    _check(int(stated), limits)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        _check(size, limits)
        lease.extend(len(chunk))
        if chunk:
            yield chunk
    lease.complete = True


def _check(size: int, limits: Limits) -> None:
    if size > limits.body_bytes:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request is longer than {limits.body_bytes / MEBI:g} MiB; send fewer or smaller photographs",
        )
