"""`maskfold serve` as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from PIL import Image

PATIENCE = 240.0
"""Seconds until a server on a busy machine counts as broken."""


@dataclass(frozen=True)
class Reply:
    """What a server has answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def answers(self) -> list[dict[str, Any]]:
        return self.json["answers"]


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready."""

    process: subprocess.Popen[str]
    described: dict[str, str]
    """What it has printed for programs."""
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        where = urlsplit(self.described["url"])
        return where.hostname or "", where.port or 0

    def ask(
        self,
        path: str = "/predict",
        body: bytes | None = None,
        kind: str = "",
        headers: dict[str, str] | None = None,
        method: str = "",
    ) -> Reply:
        """Send one request on a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=PATIENCE)) as connection:
            given = {**({"Content-Type": kind} if kind else {}), **(headers or {})}
            connection.request(method or ("GET" if body is None else "POST"), path, body, given)
            reply = connection.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, named, reply.read())

    def predict(self, *contents: bytes, query: str = "", headers: dict[str, str] | None = None) -> Reply:
        """Ask for photographs, as a form."""
        body, kind = form(contents)
        return self.ask(f"/predict{query}", body, kind, headers)

    def send(self, *pieces: bytes) -> bytes:
        """Send bytes as they are, and return all that comes back; b"" if the server only closes."""
        with socket.create_connection(self.address, timeout=PATIENCE) as connection:
            with contextlib.suppress(ConnectionError):  # the server may have had enough
                for piece in pieces:
                    connection.sendall(piece)
            return _rest(connection)

    def trickle(self, head: bytes, seconds: float) -> bytes:
        """Send a letter every half second until the server answers, and return all that comes back."""
        with socket.create_connection(self.address, timeout=0.5) as connection:
            connection.sendall(head)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    return connection.recv(1) + _rest(connection)
                except TimeoutError:
                    connection.sendall(b"x")
                except ConnectionError:
                    return b""
            raise AssertionError(f"no answer after {seconds} s")

    def count(self, name: str) -> float:
        """Return a value that the server counts; 0 if it has not counted it yet."""
        lines = self.ask("/metrics").content.decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name), 0.0)

    @property
    def memory(self) -> int:
        """Bytes that only this process has."""
        return int(psutil.Process(self.process.pid).memory_full_info().uss)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop, and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def running(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[RunningServer]:
    """Start a server on a free port, and wait until it is ready; it ends with the block."""
    log = folder / "serve.log"
    patience = () if "--timeout" in options else ("--timeout", str(PATIENCE))
    command = [sys.executable, "-m", "maskfold", "serve", "--port", "0", *patience, *options]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stream, text=True, env={**os.environ, **(environment or {})}
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # the test's own time limit ends this, and then the process
        assert line, log.read_text(encoding="utf-8")
        yield RunningServer(process, json.loads(line), log)
    finally:
        process.kill()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def _rest(connection: socket.socket) -> bytes:
    found = bytearray()
    connection.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            found += piece
    return bytes(found)


def form(contents: tuple[bytes, ...]) -> tuple[bytes, str]:
    """Return the body of a form of photographs, and its type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="images"; filename="{number}.jpg"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for number, content in enumerate(contents)
    ]
    return b"".join([*parts, b"--edge--\r\n"]), "multipart/form-data; boundary=edge"


def picture(height: int, width: int, kind: str = "PNG", noise: bool = False) -> bytes:
    """Return a photograph of nothing."""
    stream = io.BytesIO()
    pixels = np.full((height, width, 3), 120, np.uint8)
    if noise:
        pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()
