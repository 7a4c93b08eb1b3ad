"""What the jobs of this process are doing, for whoever wants to show it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

JobState = Literal["waiting", "running", "restarting", "reused", "done", "failed", "cancelled", "warning"]


@dataclass(frozen=True)
class JobProgress:
    """How far a job is."""

    done: int
    total: int
    unit: str
    fields: dict[str, float | int | str] = field(default_factory=dict)
    """More to show, such as epoch and images per second."""


@dataclass(frozen=True)
class JobEvent:
    """A job changed its state, made progress, or has something to say (``warning``, which is no change)."""

    label: str
    state: JobState
    progress: JobProgress | None = None
    message: str = ""


Listener = Callable[[JobEvent], None]
_listeners: list[Listener] = []
_lock = threading.Lock()


def announce(event: JobEvent) -> None:
    """Tell everyone who listens."""
    with _lock:
        for listener in _listeners:
            listener(event)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call ``listener`` with every event while inside; one call at a time, from any thread."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)
