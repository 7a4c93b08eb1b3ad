"""The connection to S3: configuration, retries, and errors translated for users."""

from __future__ import annotations

import functools
import logging
import math
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as faults
from botocore.config import Config
from s3transfer.exceptions import RetriesExceededError

from maskfold.errors import MaskfoldError, UnavailableError, WorkspaceError
from maskfold.loopback import is_loopback
from maskfold.redaction import without_password

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")

PATIENCE_VARIABLE = "MASKFOLD_S3_PATIENCE"
"""Seconds for which requests to an unreachable server are retried; default 60."""
_MOST_PATIENCE = 7 * 24 * 3600.0
THREADS = 8

_PASSING = (
    faults.HTTPClientError,
    faults.ConnectionError,
    faults.IncompleteReadError,
    faults.ChecksumError,
    faults.FlexibleChecksumError,
    RetriesExceededError,
    ConnectionError,
    TimeoutError,
)
_NO_CREDENTIALS = (
    faults.NoCredentialsError,
    faults.PartialCredentialsError,
    faults.CredentialRetrievalError,
    faults.ProfileNotFound,
    faults.TokenRetrievalError,
    faults.UnauthorizedSSOTokenError,
    faults.SSOTokenLoadError,
)
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_DENIED = {"AccessDenied", "403", "Forbidden", "AccountProblem", "AllAccessDisabled", "InvalidObjectState"}
_UNKNOWN_KEY = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AuthFailure"),
    *("ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "InvalidClientTokenId"),
}
_REGION = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_BUSY = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "InternalError"}
_NO_NAME = {"InvalidBucketName", "InvalidURI", "KeyTooLongError"}
_FULL = {"QuotaExceeded", "EntityTooLarge", "507", "XMinioStorageFull"}
# What TLS reports of a connection that was cut; all else comes from settings and does not pass.
_CUT_TLS = ("EOF", "timed out", "reset by peer", "Broken pipe")
_PLAIN_SERVER = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")


class AbsentError(Exception):
    """The object does not exist; callers handle this."""


class ChangedError(Exception):
    """The object is no longer the one that was listed."""


class ForeignAnswerError(ConnectionError):
    """Something between here and the server has answered in its place, such as the login page of a network."""


def answered_by_s3(answer: Mapping[str, object], part: str) -> None:
    """Make sure that an answer has a part that S3 never omits: its parser takes any XML for an empty answer.

    Raises:
        ForeignAnswerError: If it has not; the request is repeated.
    """
    if part not in answer:
        raise ForeignAnswerError(f"an answer without {part}, which is not of an S3 server; does a proxy answer?")


class Connection:
    """A client with the standard credential chain, and one policy for all errors.

    The endpoint comes from ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` or the AWS configuration file. For servers
    other than Amazon's the bucket is part of the path: few of them have a host name for each bucket.

    Raises:
        WorkspaceError: If the settings are not valid.
    """

    def __init__(self) -> None:
        self.client = _make_client("auto")
        if not (urlsplit(self.endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
            self.client = _make_client("path")
        _warn_of_plain_http(self.endpoint)

    @property
    def endpoint(self) -> str:
        """Address of the server."""
        return str(self.client.meta.endpoint_url)

    def call(self, action: str, request: Callable[[], ResultT]) -> ResultT:
        """Repeat a request until it succeeds, fails permanently, or the server is unreachable for too long.

        Args:
            action: What is being done, such as ``read s3://b/k``; completes "cannot ...".
            request: Makes the request; must be safe to repeat.

        Raises:
            AbsentError: If the object does not exist.
            ChangedError: If a condition on the object does not hold.
            WorkspaceError: If the bucket or the credentials are missing, or access is denied.
            UnavailableError: If the server stays unreachable or overloaded.
            MaskfoldError: If the server is full or reports any other error.
        """
        patience = _patience()
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                return request()
            except (faults.BotoCoreError, faults.ClientError, RetriesExceededError, OSError) as error:
                if not _is_passing(error):
                    if isinstance(error, OSError) and not isinstance(error, faults.BotoCoreError):
                        raise
                    raise self._explain(action, error) from error
                spent = time.monotonic() - began
                if spent >= patience:
                    raise UnavailableError(
                        f"cannot {action}: {self.endpoint} cannot be reached or is overloaded ({tries} tries in "
                        f"{spent:.0f} s): {error}. Check that the server is running and the endpoint is correct, or "
                        f"try again later; {PATIENCE_VARIABLE} sets for how many seconds requests are retried"
                    ) from error
                # Jitter: many jobs that lost the same server must not retry at the same moment.
                time.sleep(min(10.0, 0.25 * 2 ** min(tries, 8)) * random.uniform(0.5, 1.0))  # noqa: S311

    def _explain(self, action: str, error: Exception) -> Exception:
        if isinstance(error, _NO_CREDENTIALS):
            return WorkspaceError(
                f"cannot {action}: no usable S3 credentials ({error}); set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        if isinstance(error, faults.SSLError):
            return WorkspaceError(f"cannot {action}: {self._explain_tls(error)}")
        if _is_bad_header(error):  # its text quotes the header, and so the credentials
            return WorkspaceError(
                f"cannot {action}: the S3 credentials contain a line break or another character that HTTP headers "
                "cannot hold; check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and the files that they come from"
            )
        if isinstance(error, faults.ClientError):
            return self._explain_answer(action, error)
        if isinstance(error, faults.ParamValidationError | faults.ValidationError):
            return WorkspaceError(f"cannot {action}: the URI gives an invalid request: {error}")
        return MaskfoldError(f"cannot {action} at {self.endpoint}: {error}")

    def _explain_tls(self, error: faults.SSLError) -> str:
        text, bundle = str(error), os.environ.get("AWS_CA_BUNDLE")
        if any(sign in text for sign in _PLAIN_SERVER):
            return (
                f"{self.endpoint} does not answer with TLS; if the server speaks plain HTTP, write http:// for https://"
            )
        if bundle and "CERTIFICATE_VERIFY_FAILED" not in text:
            return f"AWS_CA_BUNDLE={bundle}: expected a file of trusted certificates (PEM); {text}"
        return f"{text}; AWS_CA_BUNDLE names a file of trusted certificates"

    def _explain_answer(self, action: str, error: faults.ClientError) -> Exception:
        code = _code(error)
        said = f"{self.endpoint} reports {code}"
        if code in _ABSENT:
            return AbsentError(action)
        if code in ("PreconditionFailed", "412"):
            return ChangedError(action)
        if code == "NoSuchBucket":
            return WorkspaceError(
                f"cannot {action}: the bucket does not exist ({said}); create it, or check the URI and the endpoint"
            )
        if code in _NO_NAME:
            return WorkspaceError(
                f"cannot {action}: the URI names no bucket or key that S3 allows ({said}); a bucket's name has 3 to 63 "
                "lower-case letters, digits, dots and hyphens"
            )
        if code in _UNKNOWN_KEY:
            return WorkspaceError(
                f"cannot {action}: the credentials are wrong or expired ({said}); check AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        if code in _DENIED:
            return WorkspaceError(
                f"cannot {action}: access is denied ({said}); check the credentials and their permissions on the bucket"
            )
        if code in _REGION:
            return WorkspaceError(f"cannot {action}: wrong region ({said}); set AWS_DEFAULT_REGION to the bucket's")
        if code == "RequestTimeTooSkewed":
            return WorkspaceError(f"cannot {action}: this machine's clock is wrong ({said}); set it and run again")
        if code in _FULL:
            return MaskfoldError(f"cannot {action}: the server is full or the quota is exhausted ({said})")
        return MaskfoldError(f"cannot {action}: {said}: {error}")


def connect() -> Connection:
    """Return this process's connection for the current settings; creating one takes longer than most requests.

    Raises:
        WorkspaceError: If the settings are not valid.
    """
    settings = tuple(
        sorted(
            (name, value) for name, value in os.environ.items() if name.startswith("AWS_") or name == PATIENCE_VARIABLE
        )
    )
    return _connection(os.getpid(), settings)


@functools.lru_cache(maxsize=4)
def _connection(process: int, settings: tuple[tuple[str, str], ...]) -> Connection:  # noqa: ARG001 - key of the cache
    # The process is part of the key because open sockets must not be shared with a forked child.
    return Connection()


def _make_client(addressing: str) -> S3Client:
    config = Config(
        connect_timeout=5,
        # A server that accepts a connection but never answers costs this time twice per try.
        read_timeout=min(30.0, max(5.0, _patience())),
        max_pool_connections=2 * THREADS,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path" if addressing == "path" else "auto"},
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except (faults.BotoCoreError, ValueError) as error:
        raise WorkspaceError(
            f"S3 cannot be used with these settings: {error}; check AWS_PROFILE, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL "
            "and AWS_ENDPOINT_URL_S3"
        ) from error


def _warn_of_plain_http(endpoint: str) -> None:
    """Warn that a session token, which needs no other key to be used, is sent readably to another machine."""
    address = urlsplit(endpoint)
    if os.environ.get("AWS_SESSION_TOKEN") and address.scheme == "http" and not is_loopback(address.hostname or ""):
        _log.warning(
            "AWS_SESSION_TOKEN is sent to %s unencrypted; use an https:// endpoint", without_password(endpoint)
        )


def _patience() -> float:
    text = os.environ.get(PATIENCE_VARIABLE) or "60"
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 <= seconds <= _MOST_PATIENCE:
        raise WorkspaceError(
            f"{PATIENCE_VARIABLE}={text!r}: expected a number of seconds from 0 to {_MOST_PATIENCE:.0f}, such as 60"
        )
    return seconds


def _code(error: faults.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_bad_header(error: Exception) -> bool:
    return isinstance(error, faults.HTTPClientError) and isinstance(error.kwargs.get("error"), ValueError)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, faults.SSLError):
        return any(sign in str(error) for sign in _CUT_TLS)
    if _is_bad_header(error):
        return False
    if isinstance(error, faults.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        full = _code(error) in _FULL or status == 507
        return not full and (status >= 500 or status == 429 or _code(error) in _BUSY)
    return isinstance(error, _PASSING)
