"""A proxy in front of a server that fails like gateways, networks and lost machines."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Instead:
    """An answer in place of the server's."""

    status: int
    content: bytes


@dataclass(frozen=True)
class Slow:
    """The server's answer, after some time."""

    seconds: float


CUT = "cut"
"""The answer ends in the middle of its body."""
SHORT = "short"
"""The answer is half of the body, and says that this is its length."""
Fault = Callable[[str, str], int | float | str | Instead | Slow | None]
"""From method and path to an HTTP status (int), seconds without an answer (float; 0 hangs up), :data:`CUT`,
:data:`SHORT`, another answer, a late one, or None: passed on."""


class Proxy:
    """Forwards requests to a port; can be stopped, and fails as ``fault`` determines."""

    def __init__(self, target: int, keep_host: bool = False) -> None:
        """Make a proxy; with ``keep_host`` the server gets the header ``Host`` unchanged, as S3 signatures need it."""
        self.port = free_ports(1)[0]
        self.fault: Fault = lambda method, path: None
        self.requests: list[tuple[str, str]] = []
        """Method and path of each request."""
        self._target, self._keep_host = target, keep_host
        self._server: ThreadingHTTPServer | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start or restart listening."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def _pass(self) -> None:
                proxy.requests.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.fault(self.command, self.path)
                if isinstance(fault, float):
                    time.sleep(fault)
                    self.close_connection = True
                elif isinstance(fault, int):
                    self.send_error(fault)
                elif isinstance(fault, Instead):
                    self._answer(fault.status, [], fault.content)
                else:
                    if isinstance(fault, Slow):
                        time.sleep(fault.seconds)
                    status, headers, content = proxy._ask(self.command, self.path, body, dict(self.headers))
                    if fault == SHORT:
                        content = content[: len(content) // 2]
                    self._answer(status, headers, content, cut=fault == CUT)

            def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                if self.command == "HEAD":  # the length of what GET would return
                    self.send_header("Content-Length", dict(headers).get("Content-Length", "0"))
                    content = b""
                else:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if cut else content)
                self.close_connection = self.close_connection or cut

            def log_message(self, *args: object) -> None:
                """Stay quiet."""

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=60)
        try:
            host = {} if self._keep_host else {"Host": f"127.0.0.1:{self._target}"}
            connection.request(method, path, body, {**headers, **host})
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that did not wait for the answer; tests provoke them."""


@contextmanager
def proxied(target: int, keep_host: bool = False) -> Iterator[Proxy]:
    """Yield a proxy that listens."""
    proxy = Proxy(target, keep_host)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
