"""The kinds of errors, what causes them, and the exit code of each.

::

    MaskfoldError                 1   an internal error, or an error of the machine
    ├── InputError                2   the user can correct it; the message says how
    │   ├── RecipeError               a setting is unknown, malformed or contradicts another
    │   ├── DatasetError              the data set is not in the layout, or too much of it is unusable
    │   ├── WorkspaceError            a URI is malformed, a bucket is missing, access is denied
    │   └── WeightsError              required initial weights are not available or do not fit
    ├── CorruptDataError          1   bytes read are not the bytes written (checksum), or a table is damaged
    ├── InvariantError            1   a condition that the results depend on is violated (a person in two folds, ...)
    ├── JobFailedError            *   a job failed; carries the job's own exit code
    ├── UnavailableError         75   a server cannot be reached now; a later try may succeed
    └── CancelledError          143   a stop was requested
"""

from __future__ import annotations

from maskfold.redaction import redacted

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INPUT = 2
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h
EXIT_KILLED = 137  # 128 + SIGKILL: the out-of-memory killer, a lost node, `docker kill`
EXIT_CANCELLED = 143  # 128 + SIGTERM


class MaskfoldError(Exception):
    """An internal error, or an error of the machine.

    Args:
        message: For the user; credentials in it are hidden, because errors are logged, stored and shown everywhere.
    """

    exit_code: int = EXIT_FAULT

    def __init__(self, message: str = "") -> None:
        super().__init__(redacted(message))


class InputError(MaskfoldError):
    """The user's input or settings are wrong: the message says what, where, what was expected, what to do."""

    exit_code = EXIT_INPUT


class RecipeError(InputError):
    """A setting is unknown, malformed or contradicts another."""


class DatasetError(InputError):
    """The data set is not in the expected layout, or too much of it cannot be used."""


class WorkspaceError(InputError):
    """A URI is malformed, a bucket is missing, or access is denied."""


class WeightsError(InputError):
    """Required initial weights are not available or do not fit the network."""


class CorruptDataError(MaskfoldError):
    """Bytes read are not the bytes that were written."""


class InvariantError(MaskfoldError):
    """A condition that the results depend on is violated."""


class UnavailableError(MaskfoldError):
    """A server cannot be reached at the moment; the same call may succeed later."""

    exit_code = EXIT_UNAVAILABLE


class CancelledError(MaskfoldError):
    """A stop was requested."""

    exit_code = EXIT_CANCELLED


class JobFailedError(MaskfoldError):
    """A job failed.

    Args:
        message: What failed and why, for the user.
        exit_code: The exit code of the job's process (128 + signal number when a signal ended it).
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
