"""Removes credentials from texts that are stored or shown: URIs, error messages, log lines."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any
from urllib.parse import unquote

# Repetitions are bounded, so that the time is linear in the length of a hostile text.
_USERINFO = re.compile(r"(?<=://)[^/\s'\"]{0,1024}@")
_LOGIN = re.compile(r"(?<![\w:/.+-])[\w.+-]{1,128}:[^\s/@'\"]{1,512}@(?=[\w\[])")
"""``user:password@host``, the part of a URI that messages about its host quote."""
_HEADER = re.compile(r"(?i)(?<!/)\b((?:proxy-)?authorization|x-amz-security-token)(['\"]?\s*[:=>,]+\s*)[^\n<]*")
_SCHEME = re.compile(r"\b(Basic|Bearer|AWS4-HMAC-SHA256) +(?=\S*[A-Z\d=])[\w+/=.~:-]{6,}(?:, *\w+=[\w;/+=.~-]+)*")
"""What such a header contains, wherever it is quoted."""
_PARAMETER = re.compile(
    r"(?i)\b((?:ssl)?password|passwd|token|sig|x-amz-(?:signature|security-token|credential))=[^&\s'\",)]+"
)
_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|auth_string|api_key)")
_URI_VALUE = re.compile(r"\w[\w+.-]*://([^\s'\":]*:[^\s'\"]+)@[^@]*")
"""An environment variable with user name and password, such as that of a proxy."""
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
    text = _SCHEME.sub(rf"\1 {HIDDEN}", _HEADER.sub(rf"\1\2{HIDDEN}", text))
    text = _PARAMETER.sub(rf"\1={HIDDEN}", text)
    return _LOGIN.sub("", without_password(text))


def redact_logs() -> None:
    """Redact all log records of this process, whichever library writes them, and what Python prints of errors."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def make_redacted(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        try:
            record.msg = redacted(record.getMessage())
        except (TypeError, ValueError, KeyError):  # a format that does not fit: logging would print all of it
            record.msg = redacted(f"{record.msg} {record.args!r}")
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = _traceback(*record.exc_info)  # formatters take it as it is
        return record

    make_redacted.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_redacted)
    sys.excepthook = _show
    threading.excepthook = lambda args: _show(args.exc_type, args.exc_value, args.exc_traceback)
    form = warnings.formatwarning
    warnings.formatwarning = lambda *arguments, **named: redacted(form(*arguments, **named))


def _show(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    print(_traceback(kind, error, where), file=sys.stderr)


def _traceback(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> str:
    return redacted("".join(traceback.format_exception(kind, error, where)).rstrip("\n"))


def _secrets() -> list[str]:
    """Return the secrets of the environment, longest first, since one may contain another."""
    found = set()
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            found.add(value)
        elif login := _URI_VALUE.fullmatch(value):
            found.add(login[1])
    # "user:password": the second part alone is not shown either, nor what a library unquotes.
    found |= {value.partition(":")[2] for value in found}
    found |= {unquote(value) for value in found}
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)
