"""Who may ask: this machine's own programs and pages, or clients with the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from maskfold.serving.lingering import refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN: Final = frozenset({"/", "/page.css", "/page.js", "/docs", "/openapi.json", "/health"})
"""What needs no token: the page that asks for it, and whether the server is ready. None of it tells of the model."""
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer: answers about faces stay out of caches, and the page can load and tell nothing elsewhere."""
KNOWN: Final = "maskfold.known"
"""Key of a request's scope: whether it may learn which model answers."""


class Access:
    """Passes on requests of those who may ask.

    A page of another site can send requests to loopback, and by a DNS name that it controls it can also read the
    answers: the header ``Host`` then has that name, and ``Origin`` names the other site.

    Args:
        app: The application (ASGI).
        token: What clients must show; None: none is needed.
        hosts: Names, with ports, by which this server is reached; None: any, where a token is needed.
        count: Told the status of each refusal.
    """

    def __init__(
        self, app: App, token: str | None, hosts: Iterable[str] | None, count: Callable[[int], None] = lambda _: None
    ) -> None:
        self._app, self._count = app, count
        self._token = None if token is None else token.encode()
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it to the application."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008, "reason": "no websockets here"})
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._hosts is not None and not self._is_ours(headers):
            return await self._refuse(scope, receive, send, HTTPStatus.FORBIDDEN, "only for programs of this machine")
        known = self._token is None or self._shows_token(headers.get(b"authorization", b""))
        if not known and scope["path"] not in OPEN:
            return await self._refuse(
                scope, receive, send, HTTPStatus.UNAUTHORIZED, "expected: Authorization: Bearer TOKEN"
            )
        scope[KNOWN] = known
        return await self._app(scope, receive, _with_headers(send))

    def _is_ours(self, headers: dict[bytes, bytes]) -> bool:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        return host in (self._hosts or ()) and (not origin or origin == f"http://{host}")

    def _shows_token(self, authorization: bytes) -> bool:
        kind, _, shown = authorization.partition(b" ")
        return kind.lower() == b"bearer" and hmac.compare_digest(shown.strip(), self._token or b"")

    async def _refuse(self, scope: Message, receive: Receive, send: Send, status: HTTPStatus, text: str) -> None:
        self._count(status)
        headers = {"www-authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
        await refusal(scope, status, text, headers)(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sends
