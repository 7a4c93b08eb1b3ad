"""What the terminal shows during a run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn

from maskfold.launch.monitor import JobEvent, JobProgress, listening
from maskfold.launch.stopping import current_stop

FINISHED = frozenset({"reused", "done"})
ENDED = FINISHED | {"failed", "cancelled"}
_MARKS = {"done": "[green]done  ", "reused": "[cyan]reused", "failed": "[red]failed", "cancelled": "[yellow]stopped"}
BAR_WIDTH, ROOM_FOR_BARS = 24, 100
"""A terminal narrower than the second shows no bars, so that names and numbers fit."""
PLAIN_SECONDS = 20.0
"""Least time between two progress lines of a job without a terminal."""


@contextlib.contextmanager
def showing_jobs(console: Console, jobs: int = 0) -> Iterator[None]:
    """Show the jobs of this process while inside: moving bars on a terminal, plain lines elsewhere.

    Warnings of this process, such as those of MLflow's tracking, are shown among them. When a signal stops the run,
    this is said at once, and nothing else is shown from then on.

    Args:
        console: Where to print.
        jobs: Expected number of jobs; grows when more appear.
    """
    with _Bars(console, jobs) if console.is_terminal else contextlib.nullcontext(_Lines(console)) as view:
        stopping = threading.Event()
        warnings = _Warnings(view)
        warnings.addFilter(lambda _: not stopping.is_set())
        logger = logging.getLogger("maskfold")
        logger.addHandler(warnings)

        def show(event: JobEvent) -> None:
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


class _Warnings(logging.Handler):
    """Shows warnings of this process, which belong to no job."""

    def __init__(self, view: _Bars | _Lines) -> None:
        super().__init__(logging.WARNING)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning."""
        self._view.warn(record.getMessage())


class _Bars:
    """One bar for each running job and one for all."""

    def __init__(self, console: Console, jobs: int) -> None:
        self._progress = Progress(*_columns(console.width), console=console, transient=False)
        self._jobs = jobs
        self._all = self._progress.add_task("[bold]all jobs", total=jobs, note="")
        self._bars: dict[str, TaskID] = {}
        self._known: set[str] = set()
        self._finished: set[str] = set()
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
        self._known.add(event.label)
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
        done, total = len(self._finished), max(self._jobs, len(self._known))
        self._progress.update(self._all, total=total, completed=done, note=f"{done}/{total}")

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        if text not in self._warned:
            self._warned.add(text)
            self._progress.console.print(f"[yellow]warning[/] {escape(_told(text, label))}", highlight=False)

    def _show_progress(self, event: JobEvent) -> None:
        if event.label not in self._bars:
            self._began.setdefault(event.label, time.monotonic())
            self._bars[event.label] = self._progress.add_task(escape(event.label), total=None, note="starting")
        if event.progress is not None:
            self._progress.update(
                self._bars[event.label],
                total=event.progress.total,
                completed=event.progress.done,
                note=escape(_note(event.progress)),
            )

    def _end(self, event: JobEvent) -> None:
        if event.state in FINISHED:
            self._finished.add(event.label)
        bar = self._bars.pop(event.label, None)
        if bar is not None:
            self._progress.remove_task(bar)
        mark = _MARKS.get(event.state, event.state)
        began = self._began.get(event.label)
        took = "" if began is None else f" [dim]{time.monotonic() - began:.1f} s"
        self._progress.console.print(f"{mark}[/] {escape(event.label)}{took}", highlight=False)


def _columns(width: int) -> list[ProgressColumn]:
    bar = [BarColumn(bar_width=BAR_WIDTH)] if width >= ROOM_FOR_BARS else []
    return [
        TextColumn("{task.description}"),
        *bar,
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("[dim]{task.fields[note]}"),
        TimeRemainingColumn(compact=True),
    ]


class _Lines:
    """One line for each change of state, and one for progress every ``PLAIN_SECONDS``."""

    def __init__(self, console: Console) -> None:
        self._console = console
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
            self._print(f"{event.label}: {_note(event.progress)}")
            self._last[event.label] = now

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        if text not in self._warned:
            self._warned.add(text)
            self._print(f"warning: {_told(text, label)}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _told(text: str, label: str) -> str:
    return f"{label}: {text}" if label else text


def _note(progress: JobProgress) -> str:
    parts = [f"{progress.done}/{progress.total} {progress.unit}"]
    for name, value in progress.fields.items():
        shown = f"{value:.0f}" if isinstance(value, float) else str(value)
        parts.append(f"{shown} images/s" if name == "images_per_second" else f"{name} {shown}")
    return ", ".join(parts)
