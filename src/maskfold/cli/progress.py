"""What the terminal shows while a command runs a flow."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console

from maskfold.console import showing_jobs, starting
from maskfold.pace import Pace
from maskfold.wording import printable


@contextlib.contextmanager
def progress(
    console: Console, said: str, pace: Callable[[], Pace]
) -> Iterator[contextlib.AbstractContextManager[object]]:
    """Say that Prefect is starting; then what is run, and its jobs.

    Args:
        console: Where to show the jobs.
        said: What is run, for people.
        pace: Returns the jobs that are expected; called when Prefect has started.

    Yields:
        What is to be entered when Prefect has started.
    """
    with starting(console, _jobs(console, said, pace)) as shown:
        yield shown


@contextlib.contextmanager
def _jobs(console: Console, said: str, pace: Callable[[], Pace]) -> Iterator[None]:
    expected = pace()
    print(printable(said), file=sys.stderr)
    with showing_jobs(console, expected):
        yield
