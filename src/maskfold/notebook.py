"""What a notebook shows during a run: bars in one output of the cell, which is drawn again as they move."""

from __future__ import annotations

import contextlib
import contextvars
import html
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from maskfold.launch.monitor import JobEvent, JobProgress
from maskfold.notes import note, remaining, told
from maskfold.pace import Pace
from maskfold.wording import duration

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

REDRAW_SECONDS = 0.5
"""Time between two drawings while jobs only proceed; a job that begins or ends is drawn at once."""
_CELL = "padding: 0 1em 0 0; text-align: left; white-space: nowrap"
_PLAIN_BAR = 20
_KEPT = {"failed": "failed", "cancelled": "stopped", "restarting": "starts again"}


@contextlib.contextmanager
def noticed(text: str) -> Iterator[None]:
    """Show a text in an output of the cell while inside; then the output is empty."""
    from IPython.display import display

    handle = display({"text/plain": text}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        handle.update({"text/html": "", "text/plain": ""}, raw=True)


class NotebookBars:
    """One bar for all jobs and one for each that runs. Needs IPython, as every notebook has it, and no widgets."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._began = time.monotonic()
        self._running: dict[str, JobProgress | None] = {}
        self._kept: list[str] = []
        """What stays to be read below the bars."""
        self._warned: set[str] = set()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._handle: DisplayHandle | None = None
        # Where the output belongs is in the context of the thread that runs the cell.
        drawing = contextvars.copy_context()
        self._drawer = threading.Thread(target=drawing.run, args=(self._draw_on,), name="notebook bars", daemon=True)

    def __enter__(self) -> NotebookBars:
        from IPython.display import display

        self._handle = display(self._drawn(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._drawer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Draw the bars for the last time."""
        with self._lock:
            if not self._over.is_set():
                self._over.set()
                self._running.clear()
                self._draw()

    def show(self, event: JobEvent) -> None:
        """Show an event."""
        if event.state == "warning":
            self.warn(event.message, event.label)
            return
        with self._lock:
            if event.state == "running":
                self._running[event.label] = event.progress or self._running.get(event.label)
            else:
                self._running.pop(event.label, None)
            if event.state in _KEPT:
                self._kept.append(f"{event.label} {told(event.message, _KEPT[event.state]).removesuffix(': ')}")
            if event.progress is None:
                self._draw()

    def warn(self, text: str, label: str = "") -> None:
        """Show a warning; the same text of several jobs is shown once."""
        with self._lock:
            if text not in self._warned:
                self._warned.add(text)
                self._kept.append(f"warning: {told(text, label)}")
                self._draw()

    def _draw_on(self) -> None:
        while not self._over.wait(REDRAW_SECONDS):
            with self._lock:
                if not self._over.is_set():
                    self._draw()

    def _draw(self) -> None:
        if self._handle is not None:
            self._handle.update(self._drawn(), raw=True)  # type: ignore[no-untyped-call]

    def _drawn(self) -> dict[str, str]:
        """Return the output as a page and, for what shows no pages, as text."""
        bars = [("all jobs", self._pace.share(), self._said_of_all())]
        bars += [
            (label, progress.done / max(1, progress.total) if progress else 0.0, note(progress) if progress else "")
            for label, progress in self._running.items()
        ]
        rows, lines = "", ""
        for label, share, said in bars:
            shown = int(100 * min(1.0, share))
            cells = (
                html.escape(label),
                f'<progress value="{shown}" max="100" aria-label="{html.escape(label)}">{shown} %</progress>',
                f"{shown} %",
                html.escape(said),
            )
            rows += "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"
            full = _PLAIN_BAR * shown // 100
            lines += f"{label:24} {'━' * full}{'─' * (_PLAIN_BAR - full)} {shown:3} %  {said}\n"
        kept = "".join(f"<div>{html.escape(line)}</div>" for line in self._kept)
        return {"text/html": f"<table>{rows}</table>{kept}", "text/plain": lines + "\n".join(self._kept)}

    def _said_of_all(self) -> str:
        if not self._over.is_set():
            return remaining(self._pace)
        return f"{self._pace.n_done}/{self._pace.n_jobs} jobs, {duration(time.monotonic() - self._began)}"
