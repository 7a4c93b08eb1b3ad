"""Photographs in requests of each kind, whole and malformed."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator

import pytest

from maskfold.serving.limits import Limits
from maskfold.serving.refusal import RefusedError
from maskfold.serving.upload import Upload, uploads

FORM = 'multipart/form-data; boundary="x-y"'
SMALL = Limits(images=3)


def take(kind: str, body: bytes, piece: int = 7) -> list[Upload]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    async def all_of_them() -> list[Upload]:
        return await uploads(kind, pieces(), SMALL)

    return asyncio.run(all_of_them())


def part(content: bytes, name: str = "a.jpg", field: str = "images") -> bytes:
    head = f'--x-y\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


def refused(kind: str, body: bytes) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        take(kind, body)
    return int(caught.value.status), caught.value.problem


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_a_form_has_files_with_names(piece: int) -> None:
    contents = [bytes(range(256)) * 3 + b"\r\n--x-", b"", b"\r\n--x-z\r\n"]
    body = b"".join([part(contents[0], "äé.jpg"), part(contents[1]), part(contents[2], field="other"), b"--x-y--\r\n"])
    assert take(FORM, body, piece) == [
        Upload("äé.jpg", contents[0]),
        Upload("a.jpg", contents[1]),
        Upload("a.jpg", contents[2]),
    ]


def test_json_has_base64_with_names_or_without() -> None:
    text = base64.b64encode(b"\x00photograph").decode()
    body = json.dumps({"images": [text, {"name": "b", "data": text}, {"data": ""}]}).encode()
    found = take("application/json; charset=utf-8", body)
    assert found == [Upload("", b"\x00photograph"), Upload("b", b"\x00photograph"), Upload("", b"")]


@pytest.mark.parametrize("kind", ["image/jpeg", "IMAGE/png", "application/octet-stream"])
def test_one_photograph_as_it_is(kind: str) -> None:
    assert take(kind, b"\xff\xd8 content") == [Upload("", b"\xff\xd8 content")]


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        ("multipart/form-data", part(b"a"), 400, "without a boundary"),
        (FORM, b"", 400, "ends before its last boundary"),
        (FORM, part(b"a"), 400, "ends before its last boundary"),
        (FORM, part(b"a").replace(b"x-y", b"other") + b"--other--\r\n", 400, "multipart"),
        (FORM, b"--x-y\r\nno header here\r\n\r\na\r\n--x-y--\r\n", 400, "multipart"),
        (f"multipart/form-data; boundary={'x' * 500}", part(b"a"), 400, "multipart"),
        (FORM, part(b"a") * 4 + b"--x-y--\r\n", 413, "more than 3 photographs"),
        (FORM, b"--x-y--\r\n", 422, "no photographs"),
        ("application/json", b"", 400, "not JSON"),
        ("application/json", b"{", 400, "not JSON"),
        ("application/json", b"\xff\xfe", 400, "not JSON"),
        ("application/json", b"[" * 20, 400, "not JSON"),
        ("application/json", b"[" * 100_000, 413, "more values"),
        ("application/json", b'{"images": [' + b"{}," * 1000 + b"{}]}", 413, "more values"),
        ("application/json", b"[]", 400, "expected"),
        ("application/json", b'{"images": "eA=="}', 400, "expected"),
        ("application/json", b'{"images": [1]}', 400, r"images\[0\]: expected"),
        ("application/json", b'{"images": ["eA==", {"name": 1, "data": "eA=="}]}', 400, r"images\[1\]: expected"),
        ("application/json", b'{"images": [null, ""]}', 400, r"images\[0\]: expected"),
        ("application/json", b'{"images": ["eA==", "e"]}', 400, r"images\[1\]: not base64"),
        ("application/json", '{"images": ["ä==="]}'.encode(), 400, r"images\[0\]: not base64"),
        ("application/json", b'{"images": []}', 422, "no photographs"),
        ("application/json", b'{"images": ["","","",""]}', 413, "more than 3 photographs"),
        ("text/html", b"<html>", 415, "expected multipart"),
        ("", b"x", 415, "expected multipart"),
    ],
)
def test_what_is_malformed_is_refused_with_a_reason(kind: str, body: bytes, status: int, said: str) -> None:
    found, problem = refused(kind, body)
    assert found == status
    assert re.search(said, problem), problem


def test_an_empty_photograph_is_left_to_the_decoder() -> None:
    assert take("image/jpeg", b"") == [Upload("", b"")]


def test_names_that_are_sent_back_are_short_and_can_be_encoded() -> None:
    body = json.dumps({"images": [{"name": "\ud800" + "x" * 1000, "data": ""}]}).encode()
    (found,) = take("application/json", body)
    assert len(found.name.encode("utf-8")) <= 200
