"""Removes credentials from texts that are stored or shown: URIs, error messages, log lines."""

from __future__ import annotations

import logging
import os
import re

# Repetitions are bounded, so that the time is linear in the length of a hostile text.
_USERINFO = re.compile(r"(?<=://)[^/\s'\"]{0,1024}@")
_LOGIN = re.compile(r"(?<![\w:/.+-])[\w.+-]{1,128}:[^\s/@'\"]{1,512}@(?=[\w\[])")
"""``user:password@host``, the part of a URI that messages about its host quote."""
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|x-amz-security-token)(['\"]?\s*[:=]\s*).*")
_PARAMETER = re.compile(
    r"(?i)\b((?:ssl)?password|passwd|token|sig|x-amz-(?:signature|security-token|credential))=[^&\s'\",)]+"
)
_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|auth_string|api_key)")
_SHORTEST = 8
"""A shorter value would also hide words that it happens to equal."""
HIDDEN = "***"


def without_password(uri: str) -> str:
    """Return a URI, or a text with URIs, without user names and passwords."""
    return _USERINFO.sub("", uri)


def redacted(text: str) -> str:
    """Return a text without credentials.

    It hides user names and passwords in URIs, signed query parameters, authorization headers, and the values of all
    environment variables that hold a secret by their name, such as ``AWS_SECRET_ACCESS_KEY``.
    """
    for value in _secrets():
        text = text.replace(value, HIDDEN)
    text = _PARAMETER.sub(rf"\1={HIDDEN}", _HEADER.sub(rf"\1\2{HIDDEN}", text))
    return _LOGIN.sub("", without_password(text))


def redact_logs() -> None:
    """Redact the messages of all log records of this process, whichever library writes them."""
    logging.setLogRecordFactory(_Record)


class _Record(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802 - the name in logging
        return redacted(super().getMessage())


def _secrets() -> list[str]:
    """Return the secrets of the environment, longest first, since one may contain another."""
    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    # "user:password" in an auth string: either part alone is not shown either.
    found |= {value.partition(":")[2] for value in found}
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)
