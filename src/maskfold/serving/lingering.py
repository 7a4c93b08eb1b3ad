"""A refusal that reaches clients which are still sending.

If a server closes a connection while bytes of a request are unread, the client's system may throw the answer away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

SECONDS = 5.0
"""A client that goes on sending for longer does not read the answer."""


class LingeringResponse(JSONResponse):
    """JSON, after which the rest of the request is read and dropped for a while."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, then let the client finish."""

        async def sends(message: Message) -> None:
            await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

        await super().__call__(scope, receive, sends)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b""})


def refusal(
    scope: Scope, status: int, problem: str, headers: Mapping[str, str] | None = None, read: bool = False
) -> Response:
    """Return the answer to a request that is refused.

    Args:
        scope: Of the request.
        status: Of HTTP.
        problem: What is wrong.
        headers: To send with it.
        read: Whether the body has been read.
    """
    content, asked = {"detail": problem}, {name.lower() for name, _ in scope["headers"]}
    waits = b"expect" in asked  # for leave to send its body, which it does not get
    if read or waits or not asked & {b"content-length", b"transfer-encoding"}:
        return JSONResponse(content, status, {**(headers or {}), **({"connection": "close"} if waits else {})})
    return LingeringResponse(content, status, dict(headers or {}))
