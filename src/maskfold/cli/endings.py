"""How a command ends: one message and an exit code for each kind of error, never a traceback."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator

from maskfold import errors
from maskfold.launch.stopping import Stopped, stopping_on_signals
from maskfold.loopback import never_proxy_loopback
from maskfold.redaction import redact_logs, redacted
from maskfold.servers.surroundings import quiet_logs, quiet_servers
from maskfold.terminal import guard_logs
from maskfold.wording import printable

EXIT_INTERRUPTED = 128 + signal.SIGINT


@contextlib.contextmanager
def exit_codes(verbose: bool) -> Iterator[None]:
    """Turn errors into one message and an exit code."""
    never_proxy_loopback()
    redact_logs()
    guard_logs()
    try:
        yield
    except errors.MaskfoldError as error:
        if verbose:
            logging.getLogger("maskfold").exception("details")
        print(printable(f"maskfold: {error}"), file=sys.stderr)
        # A job's own code, such as that of a kill, is for the code that restarts jobs; users get 2 or 1.
        kept = error.exit_code in (errors.EXIT_INPUT, errors.EXIT_CANCELLED)
        raise SystemExit(error.exit_code if kept else errors.EXIT_FAULT) from None
    except OSError as error:  # of this process, not of a job: no room for temporary files, a closed terminal
        if verbose:
            logging.getLogger("maskfold").exception("details")
        print(printable(f"maskfold: operating-system error: {redacted(str(error))}"), file=sys.stderr)
        raise SystemExit(errors.EXIT_FAULT) from None
    except Exception as error:
        if verbose:
            logging.getLogger("maskfold").exception("details")
        hint = "" if verbose else "; --verbose shows more"
        text = f"maskfold: internal error: {type(error).__name__}: {redacted(str(error))}{hint}"
        print(printable(text), file=sys.stderr)
        raise SystemExit(errors.EXIT_FAULT) from None
    except KeyboardInterrupt:
        print("maskfold: stopped; run again to continue", file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None


@contextlib.contextmanager
def running_flow(verbose: bool) -> Iterator[None]:
    """Run a flow inside: quietly unless asked otherwise, stopped by signals in order, ended by an exit code."""
    quiet_servers()
    if not verbose:
        quiet_logs()
    with exit_codes(verbose), ends_by_signal(), stopping_on_signals():
        yield


@contextlib.contextmanager
def ends_by_signal() -> Iterator[None]:
    """Exit as a signal asks for it. Ctrl-C was answered at once; who ended the run otherwise may be far away."""
    try:
        yield
    except Stopped as stopped:
        if stopped.signum != signal.SIGINT:
            print(f"maskfold: stopped by {stopped.signum.name}; run again to continue", file=sys.stderr)
        raise SystemExit(128 + stopped.signum) from None
