"""A hundred uploads that no honest client sends: each is refused, and the server stays as it was."""

from __future__ import annotations

import base64
import io
import itertools
import json
import struct
import threading
import zlib
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, PngImagePlugin

from tests.dataset.test_bombs import jpeg, with_scans
from tests.inference.trained import Trained
from tests.serving.running import RunningServer, form, picture, running

pytestmark = [pytest.mark.slow, pytest.mark.servers]
MEGABYTES = 1_000_000
LIMITS = ("--max-mib", "4", "--max-images", "8", "--max-megapixels", "5")
GOOD = picture(300, 240, "JPEG", noise=True)
PNG = picture(300, 240, noise=True)
ATTEMPTS = 100
FLAT = 48 * MEGABYTES
"""Growth of the server's memory that the allocator of a process explains."""


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(side: int) -> bytes:
    """Return a PNG of few bytes whose header states a square of that side."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def long_text() -> bytes:
    """Return a PNG with a text that unpacks to fifty megabytes."""
    stream, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_text("comment", "x" * 50_000_000, zip=True)
    Image.new("RGB", (64, 64)).save(stream, "PNG", pnginfo=texts)
    return stream.getvalue()


def other(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, kind)
    return stream.getvalue()


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def requests(photographs: list[bytes]) -> Iterator[tuple[str, bytes, str, set[int]]]:
    """Yield name, body, type and the statuses that may answer it."""
    photograph, boundary = photographs[0], "multipart/form-data; boundary=edge"
    files = {
        "half a PNG": PNG[: len(PNG) // 2],
        "the beginning of a JPEG": photograph[: len(photograph) // 20],
        "a JPEG of 2,000 scans": with_scans(jpeg(True), 2000),
        "text": b"<html><script>alert(1)</script>",
        "nothing": b"",
        "a program": b"\x7fELF" + bytes(5000),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(%pipe%id) (w) file\n",
        "an animation": other("GIF"),
        "a long text": long_text(),
        "a damaged header": PNG[:20] + b"\xff" * 40 + PNG[60:],
        "15 pixels": picture(15, 400),
    }
    for name, content in files.items():
        yield name, *form((content,)), {422}
    for side in (3000, 9000, 30_000, 60_000):
        yield f"a PNG of {side} x {side}", bomb(side), "image/png", {413}
    yield "large and empty", picture(2000, 3000), "image/png", {413}
    yield "many large ones", *form((picture(2000, 2400),) * 8 + (b"",)), {413}
    yield "nine photographs", *form((GOOD,) * 9), {413}
    yield "a long body", bytes(6 << 20), "image/jpeg", {413}
    yield "a long form", *form((bytes(6 << 20),)), {413}
    yield "no boundary", form((GOOD,))[0], "multipart/form-data", {400}
    yield "another boundary", form((GOOD,))[0], "multipart/form-data; boundary=other", {400}
    yield "a form without end", form((GOOD,))[0][:-12], boundary, {400}
    yield "headers without end", b"--edge\r\n" + b"X: " + b"y" * 100_000, boundary, {400}
    yield "many headers", b"--edge\r\n" + b"X: y\r\n" * 10_000 + b"\r\n\r\n--edge--\r\n", boundary, {400}
    yield "no JSON", b'{"images": ["', "application/json", {400}
    yield "deep JSON", b"[" * 3_000_000, "application/json", {400, 413}
    yield "many values", b'{"images": [' + b"[]," * 1_000_000 + b"[]]}", "application/json", {413}
    yield "no base64", as_json({"images": ["%%%"]}), "application/json", {400}
    yield "base64 of nothing", as_json({"images": [base64.b64encode(b"nothing").decode()]}), "application/json", {422}
    yield "other values", as_json({"images": [{"data": 5}]}), "application/json", {400}
    yield "other JSON", as_json([1, 2]), "application/json", {400}
    yield "a page", b"<html>", "text/html", {415}
    yield "no type", GOOD, "", {415}


def raw(server: RunningServer) -> Iterator[tuple[str, Callable[[], bytes], set[bytes]]]:
    """Yield name, what to do on a bare connection, and how the answer may begin."""
    host = f"Host: 127.0.0.1:{server.address[1]}\r\n".encode()
    post = b"POST /predict HTTP/1.1\r\n" + host + b"Content-Type: image/jpeg\r\n"
    yield "no HTTP", lambda: server.send(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), {b"HTTP/1.1 400"}
    yield "a head without end", lambda: server.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000), {b"HTTP/1.1 4", b""}
    yield "a length that is none", lambda: server.send(post + b"Content-Length: many\r\n\r\n"), {b"HTTP/1.1 400"}
    yield "a long length", lambda: server.send(post + b"Content-Length: 99999999999\r\n\r\n"), {b"HTTP/1.1 413"}
    pieces = (b"40000\r\n" + bytes(0x40000) + b"\r\n",) * 40
    head = post + b"Transfer-Encoding: chunked\r\n\r\n"
    yield "chunks without end", lambda: server.send(head, *pieces), {b"HTTP/1.1 413"}
    yield "no chunks", lambda: server.send(head + b"zz\r\n"), {b"HTTP/1.1 400", b""}
    yield (
        "a websocket",
        lambda: server.send(b"GET / HTTP/1.1\r\n" + host + b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"),
        {b"HTTP/1.1 200", b"HTTP/1.1 4"},
    )


def test_a_hundred_malformed_uploads(trained: Trained, photographs: list[bytes], tmp_path) -> None:
    with running(tmp_path, "--model", trained.package, *LIMITS) as server:
        assert server.predict(photographs[0]).status == 200
        slow: dict[str, bytes] = {}

        def trickle(name: str, head: bytes) -> None:
            slow[name] = server.trickle(head, seconds=60)

        host = f"Host: 127.0.0.1:{server.address[1]}\r\n".encode()
        heads = {
            "a slow body": b"POST /predict HTTP/1.1\r\n" + host
            + b"Content-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n",
            "a slow head": b"POST /predict HTTP/1.1\r\nX-",
        }  # fmt: skip
        patient = [threading.Thread(target=trickle, args=each) for each in heads.items()]
        for thread in patient:
            thread.start()
        kinds, bare = list(requests(photographs)), list(raw(server))
        sizes = []
        for number, (name, body, kind, expected) in enumerate(itertools.islice(itertools.cycle(kinds), ATTEMPTS)):
            if number % len(kinds) == 0:
                for title, attempt, beginnings in bare:
                    answer = attempt()
                    assert answer.startswith(tuple(beginnings)), (title, answer[:200])
                sizes.append(server.memory)
            reply = server.ask("/predict", body, kind)
            assert reply.status in expected, (name, reply.status, reply.content[:300])
            assert reply.json["detail"], name
        for thread in patient:
            thread.join()
        assert slow["a slow body"].startswith(b"HTTP/1.1 408"), slow
        assert slow["a slow head"] == b""
        sizes.append(server.memory)
        assert sizes[-1] - sizes[1] < FLAT, [size // MEGABYTES for size in sizes]
        good = server.predict(photographs[0], photographs[1])
        assert good.status == 200
        assert [row["problem"] for row in good.answers] == [None, None]
        assert server.count("maskfold_queue_images") == server.count("maskfold_held_bytes") == 0
        assert server.count('maskfold_requests_total{code="500"}') == 0
        assert "Traceback" not in server.log.read_text()
        assert server.stop() == 0
