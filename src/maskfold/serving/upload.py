"""Photographs as clients send them: one as it is, several as multipart, or base64 in JSON."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from python_multipart.multipart import parse_options_header

from maskfold.serving.limits import Limits
from maskfold.serving.multipart import MultipartFiles
from maskfold.serving.refusal import RefusedError, too_many

_LONGEST_NAME: Final = 200
_JSON_SIGNS: Final = (b"[", b"{", b",", b":")
"""Each begins a value that takes more memory than text. Base64 has none of them."""
_SIGNS_PER_IMAGE: Final = 8
JSON_EXPECTED: Final = 'expected {"images": ["<base64>", {"name": "a.jpg", "data": "<base64>"}, ...]}'


@dataclass(frozen=True)
class Upload:
    """One photograph of a request."""

    name: str
    """What the client calls it; may be empty."""
    content: bytes


async def uploads(content_type: str, body: AsyncIterator[bytes], limits: Limits) -> list[Upload]:
    """Return the photographs of a request, in their order.

    Args:
        content_type: The request's header.
        body: Its body, as it arrives.
        limits: How many photographs there may be.

    Raises:
        RefusedError: If it is malformed, or has too many photographs or none.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        files = MultipartFiles(options.get(b"boundary", b""), limits.images)
        async for chunk in body:
            files.write(chunk)
        found = [Upload(_short(name), content) for name, content in files.finish()]
    elif kind == b"application/json":
        whole = await _whole(body)
        found = await asyncio.to_thread(_from_json, whole, limits)
    elif kind.startswith(b"image/") or kind == b"application/octet-stream":
        found = [Upload("", await _whole(body))]
    else:
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "expected multipart/form-data with files, application/json with base64, or one photograph as image/*",
        )
    if not found:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "the request has no photographs")
    return found


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in body])


def _from_json(body: bytes, limits: Limits) -> list[Upload]:
    if sum(map(body.count, _JSON_SIGNS)) > _SIGNS_PER_IMAGE * (limits.images + 1):
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more values than {limits.images} photographs have")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"the body is not JSON; {JSON_EXPECTED}") from None
    images = asked.get("images") if isinstance(asked, dict) else None
    if not isinstance(images, list):
        raise RefusedError(HTTPStatus.BAD_REQUEST, JSON_EXPECTED)
    if len(images) > limits.images:
        raise too_many(limits.images)
    return [_decoded(number, image) for number, image in enumerate(images)]


def _decoded(number: int, image: Any) -> Upload:
    name, data = (image.get("name", ""), image.get("data")) if isinstance(image, dict) else ("", image)
    if not isinstance(name, str) or not isinstance(data, str):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"images[{number}]: {JSON_EXPECTED}")
    try:
        return Upload(_short(name), base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"images[{number}]: not base64") from None


def _short(name: str) -> str:
    """Return a name that can be sent back."""
    return name.encode("utf-8", "replace").decode("utf-8")[:_LONGEST_NAME]
