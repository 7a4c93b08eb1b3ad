"""What the terminal shows during a run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from maskfold.launch.monitor import JobEvent, listening
from maskfold.launch.stopping import current_stop
from maskfold.notebook import NotebookBars, noticed
from maskfold.notes import note, remaining, told
from maskfold.pace import Pace

ENDED = frozenset({"reused", "done", "failed", "cancelled"})
_MARKS = {"done": "[green]done  ", "reused": "[cyan]reused", "failed": "[red]failed", "cancelled": "[yellow]stopped"}
BAR_WIDTH, ROOM_FOR_BARS, ROOM_FOR_NOTES = 24, 60, 80
"""Columns of a bar, and of terminals that have room for bars and for whole notes."""
STARTING = "starting Prefect ..."
PLAIN_SECONDS = 20.0
"""Least time between two progress lines of a job without a terminal."""


@contextlib.contextmanager
def showing_jobs(console: Console, pace: Pace) -> Iterator[None]:
    """Show the jobs of this process while inside: moving bars on a terminal and in a notebook, plain lines elsewhere.

    Warnings of this process, such as those of MLflow's tracking, are shown among them. When a signal stops the run,
    this is said at once, and nothing else is shown from then on.

    Args:
        console: Where to print.
        pace: The jobs that are expected; takes the events of all of them.
    """
    with _view(console, pace) as view:
        stopping = threading.Event()
        warnings = _Warnings(view)
        warnings.addFilter(lambda _: not stopping.is_set())
        logger = logging.getLogger("maskfold")
        logger.addHandler(warnings)

        def show(event: JobEvent) -> None:
            pace.note(event)
            if not stopping.is_set():
                view.show(event)

        def say_stopping() -> None:
            stopping.set()
            view.end()
            console.print("stopping ...", markup=False, highlight=False)

        stop = current_stop()
        try:
            with stop.said_by(say_stopping) if stop else contextlib.nullcontext(), listening(show):
                yield
        finally:
            logger.removeHandler(warnings)


@contextlib.contextmanager
def starting(
    console: Console, shown: contextlib.AbstractContextManager[object]
) -> Iterator[contextlib.AbstractContextManager[object]]:
    """Say that Prefect is starting, until what comes next is shown.

    Args:
        console: Where to say it; pages and terminals forget it then, and plain text has no need of it.
        shown: Shows what comes next.

    Yields:
        ``shown``, to be entered when Prefect has started.
    """
    with contextlib.ExitStack() as said:
        if console.is_jupyter:
            said.enter_context(noticed(STARTING))
        elif console.is_terminal:
            said.enter_context(console.status(STARTING))
        yield _instead(said, shown)


@contextlib.contextmanager
def _instead(said: contextlib.ExitStack, shown: contextlib.AbstractContextManager[object]) -> Iterator[None]:
    said.close()
    with shown:
        yield


def _view(console: Console, pace: Pace) -> contextlib.AbstractContextManager[View]:
    if console.is_jupyter:
        return NotebookBars(pace)
    return _Bars(console, pace) if console.is_terminal else contextlib.nullcontext(_Lines(console, pace))


class View(Protocol):
    """Shows the jobs of a run."""

    def show(self, event: JobEvent) -> None:
        """Show an event."""
        ...

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        ...

    def end(self) -> None:
        """Leave everything as it is from now on."""
        ...


class _Warnings(logging.Handler):
    """Shows warnings of this process, which belong to no job."""

    def __init__(self, view: View) -> None:
        super().__init__(logging.WARNING)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning."""
        self._view.warn(record.getMessage())


class _Bars:
    """One bar for each running job and one for all."""

    def __init__(self, console: Console, pace: Pace) -> None:
        self._progress = Progress(*_columns(console.width), console=console, transient=False)
        self._short = console.width < ROOM_FOR_NOTES
        self._pace = pace
        self._all = self._progress.add_task("[bold]all jobs", total=1.0, note=lambda: remaining(pace))
        self._bars: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._warned: set[str] = set()

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()

    def show(self, event: JobEvent) -> None:
        """Show an event."""
        if event.state == "warning":
            self.warn(event.message, event.label)
        elif event.state == "running":
            self._show_progress(event)
        elif event.state in ENDED:
            self._end(event)
        elif event.state == "restarting":
            self._progress.console.print(
                f"[yellow]{escape(f'{event.label} starts again: {event.message}')}", highlight=False
            )
        self._progress.update(self._all, completed=self._pace.share())

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        if text not in self._warned:
            self._warned.add(text)
            self._progress.console.print(f"[yellow]warning[/] {escape(told(text, label))}", highlight=False)

    def _show_progress(self, event: JobEvent) -> None:
        if event.label not in self._bars:
            self._began.setdefault(event.label, time.monotonic())
            self._bars[event.label] = self._progress.add_task(escape(event.label), total=None, note="starting")
        if event.progress is not None:
            self._progress.update(
                self._bars[event.label],
                total=event.progress.total,
                completed=event.progress.done,
                note=escape(note(event.progress, self._short)),
            )

    def _end(self, event: JobEvent) -> None:
        bar = self._bars.pop(event.label, None)
        if bar is not None:
            self._progress.remove_task(bar)
        mark = _MARKS.get(event.state, event.state)
        began = self._began.get(event.label)
        took = "" if began is None else f" [dim]{time.monotonic() - began:.1f} s"
        self._progress.console.print(f"{mark}[/] {escape(event.label)}{took}", highlight=False)


class _Note(ProgressColumn):
    """The note of a bar; one that changes with time is a function."""

    def render(self, task: Task) -> Text:
        note = task.fields["note"]
        return Text.from_markup(f"[dim]{note() if callable(note) else note}")


def _columns(width: int) -> list[ProgressColumn]:
    bar = min(BAR_WIDTH, max(8, width - ROOM_FOR_NOTES + 10))
    return [
        TextColumn("{task.description}"),
        *([BarColumn(bar_width=bar)] if width >= ROOM_FOR_BARS else []),
        TextColumn("{task.percentage:>3.0f}%"),
        _Note(table_column=Column(no_wrap=True)),
    ]


class _Lines:
    """One line for each change of state, and one for progress every ``PLAIN_SECONDS``."""

    def __init__(self, console: Console, pace: Pace) -> None:
        self._console, self._pace = console, pace
        self._said_all = time.monotonic()
        self._last: dict[str, float] = {}
        self._warned: set[str] = set()

    def end(self) -> None:
        """Do nothing: lines do not move."""

    def show(self, event: JobEvent) -> None:
        """Show an event."""
        if event.state == "waiting":
            return
        if event.state == "warning":
            self.warn(event.message, event.label)
            return
        now = time.monotonic()
        if event.progress is None:
            # The last line of the run says why a job failed; only this line says why it restarts.
            more = f": {event.message}" if event.state == "restarting" else ""
            self._print(f"{event.label}: {event.state}{more}")
            self._last[event.label] = now
        elif now - self._last.get(event.label, now) >= PLAIN_SECONDS:
            self._print(f"{event.label}: {note(event.progress)}")
            self._last[event.label] = now
        if now - self._said_all >= PLAIN_SECONDS:
            self._print(f"all jobs: {self._pace.share():.0%}, {remaining(self._pace)}")
            self._said_all = now

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        if text not in self._warned:
            self._warned.add(text)
            self._print(f"warning: {told(text, label)}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
