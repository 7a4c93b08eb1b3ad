"""A web server on loopback that only its user can use: ``python -m maskfold.servers.gate MODULE:APP DESCRIPTOR``.

The process that starts it passes an open socket, so that no other program can take the port in between, and keeps the
write end of standard input: when that closes, because the process has ended in whatever way, the server ends too.
"""

from __future__ import annotations

import base64
import hmac
import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

PASSWORD_VARIABLE = "MASKFOLD_GATE_PASSWORD"  # noqa: S105 - a name
"""``user:password`` that every request needs; unset where the application itself asks for one."""
LANDING_VARIABLE = "MASKFOLD_GATE_LANDING"
"""Where :data:`OPEN` sends a browser."""
OPEN = "/maskfold-open"
"""Page that hands the credentials to the browser."""
LINKS_VARIABLE = "MASKFOLD_GATE_LINKS"
"""JSON: by the first part of a path, the address of another server, to which ``/<part>/...`` is sent on."""
GRACE_SECONDS = 5

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# Prefect's pages keep credentials in the browser's storage. What follows # in an address is not sent to servers.
_OPEN_PAGE = """<!doctype html><title>Prefect</title><script>
localStorage.setItem("prefect-password", btoa(decodeURIComponent(location.hash.slice(1))));
location.replace(%s);
</script>"""
# MLflow's pages begin with those for language models, and an assistant that needs one, unless a person chose otherwise.
_TRAINING_PAGE = """<!doctype html><title>MLflow</title><script>
for (const [name, value] of [
  ["mlflow.workflowType_v1", "machine_learning"],
  ["mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", true],
]) if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(value));
location.replace(%s);
</script>"""
_PAGE_HEADERS = {"content-type": "text/html", "cache-control": "no-store"}


class Gate:
    """Passes on requests of this machine's own pages and programs.

    A page of another site can send requests to loopback, and by a DNS name that it controls it can also read the
    answers: the header ``Host`` then has that name, and ``Origin`` names the other site.

    Args:
        app: The application (ASGI).
        port: Port of the server.
        password: ``user:password`` that every request needs; empty if the application asks for one itself.
        landing: Path that :data:`OPEN` leads to.
        links: Addresses of other servers; see :data:`LINKS_VARIABLE`.
    """

    def __init__(
        self, app: App, port: int, password: str = "", landing: str = "/", links: Mapping[str, str] | None = None
    ) -> None:
        self._app, self._landing, self._links = app, landing, links or {}
        self._password = password.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._own = f"http://127.0.0.1:{port}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it to the application."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host") not in self._hosts or headers.get("origin", self._own) not in self._origins:
            return await _refuse(scope, send, HTTPStatus.FORBIDDEN, "only for pages and programs of this machine")
        if scope["path"] == OPEN and not self._password:
            return await _answer(send, HTTPStatus.OK, _OPEN_PAGE % json.dumps(self._landing), _PAGE_HEADERS)
        part, _, rest = scope["path"].lstrip("/").partition("/")
        if part in self._links:
            return await _answer(send, HTTPStatus.FOUND, "", {"location": f"{self._links[part]}/{rest}"})
        if self._password and scope["path"] != "/health" and not self._knows(headers.get("authorization", "")):
            asks = {"www-authenticate": 'Basic realm="maskfold"'}
            return await _refuse(scope, send, HTTPStatus.UNAUTHORIZED, "log in as `maskfold ui` says", asks)
        if scope["path"] == OPEN:  # the browser has the password now; addresses with one break relative requests
            page = _TRAINING_PAGE % json.dumps(self._own + self._landing)
            return await _answer(send, HTTPStatus.OK, page, _PAGE_HEADERS)
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith("/experiments/create"):
            return await self._create_experiment(scope, receive, send)
        return await self._app(scope, receive, send)

    def _knows(self, authorization: str) -> bool:
        kind, _, credentials = authorization.partition(" ")
        expected = base64.b64encode(self._password)
        return kind.lower() == "basic" and hmac.compare_digest(credentials.strip().encode("latin-1"), expected)

    async def _create_experiment(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse an MLflow experiment that would store and serve artifacts elsewhere, such as ``file:///etc``."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        # MLflow reads artifactLocation, too.
        if not isinstance(asked, dict) or any("artifact" in name.lower() and asked[name] for name in asked):
            text = "artifact_location: this server stores artifacts in its own folder only"
            return await _refuse(scope, send, HTTPStatus.FORBIDDEN, text)
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(given, None) or await receive()

        return await self._app(scope, replay, send)


async def _refuse(
    scope: Message, send: Send, status: HTTPStatus, text: str, headers: dict[str, str] | None = None
) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": text})
    else:
        await _answer(send, status, text + "\n", {"content-type": "text/plain", **(headers or {})})


async def _answer(send: Send, status: HTTPStatus, text: str, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})
    await send({"type": "http.response.body", "body": text.encode()})


def main(name: str, descriptor: int) -> None:
    """Serve an application until the process that started this one ends.

    Args:
        name: ``module:attribute`` of the application, or of a function without required arguments that makes it.
        descriptor: File descriptor of the listening socket.
    """
    import uvicorn

    os.umask(0o077)  # databases contain what only this user may read
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    listener = socket.socket(fileno=descriptor)
    module, _, attribute = name.partition(":")
    made = getattr(importlib.import_module(module), attribute)
    app = made() if attribute.startswith("create_") else made
    password, landing = os.environ.get(PASSWORD_VARIABLE, ""), os.environ.get(LANDING_VARIABLE, "/")
    links = json.loads(os.environ.get(LINKS_VARIABLE, "{}"))
    gate = Gate(app, listener.getsockname()[1], password, landing, links)
    config = uvicorn.Config(
        gate,
        log_level="error",
        lifespan="on" if attribute.startswith("create_") else "auto",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    # Not by sys.stdin: the interpreter of a server that ends by itself would abort, because a thread has its lock.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(2 * GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)  # the server leads its own session


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
