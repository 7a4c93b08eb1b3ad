"""What a client gets instead of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

SOON: Mapping[str, str] = {"retry-after": "1"}
"""Header of what a client may try again at once."""
GONE = 499
"""Status of a request whose client left before the answer; nobody sees it but the metrics."""


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: Of HTTP.
        problem: For the client: what is wrong, and what was expected.
        headers: To send with it.
    """

    def __init__(self, status: HTTPStatus, problem: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem)
        self.status, self.problem, self.headers = status, problem, dict(headers or {})


def too_many(limit: int) -> RefusedError:
    """Return what a request with more photographs than a limit is told."""
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limit} photographs in one request")
