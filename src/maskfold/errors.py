"""What can go wrong, by whose fault, and the exit code that says so.

::

    MaskfoldError                 1   a fault of ours or of the machine
    ├── InputError                2   the user can mend it; the message says how
    │   ├── RecipeError               a setting is unknown, malformed or contradicts another
    │   ├── DatasetError              the data set is not in the layout, or too much of it is unusable
    │   ├── WorkspaceError            a URI is malformed, a bucket is missing, access is denied
    │   └── WeightsError              initial weights are required and not to be had, or do not fit
    ├── CorruptDataError          1   bytes read are not the bytes written (checksum), or a table is damaged
    ├── InvariantError            1   a promise that numbers depend on is broken (a person in two folds, ...)
    ├── JobFailedError            *   a job ended badly; carries the job's own exit code
    ├── UnavailableError         75   a server cannot be reached just now; worth another try
    └── CancelledError          143   somebody asked to stop
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INPUT = 2
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h
EXIT_KILLED = 137  # 128 + SIGKILL: the out-of-memory killer, a lost node, `docker kill`
EXIT_CANCELLED = 143  # 128 + SIGTERM


class MaskfoldError(Exception):
    """A fault of ours or of the machine."""

    exit_code: int = EXIT_FAULT


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
    """Initial weights are required and cannot be had, or do not fit the network."""


class CorruptDataError(MaskfoldError):
    """Bytes read are not the bytes that were written."""


class InvariantError(MaskfoldError):
    """A promise that the numbers depend on is broken."""


class UnavailableError(MaskfoldError):
    """A server cannot be reached at the moment; the same call may succeed later."""

    exit_code = EXIT_UNAVAILABLE


class CancelledError(MaskfoldError):
    """Somebody asked to stop."""

    exit_code = EXIT_CANCELLED


class JobFailedError(MaskfoldError):
    """A job ended badly.

    Args:
        message: What failed and why, for a person.
        exit_code: The exit code of the job's process (128 + signal number when a signal ended it).
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
