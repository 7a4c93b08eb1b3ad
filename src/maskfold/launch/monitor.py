"""Events of this process's jobs, for progress displays."""

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
    """Further values to show, such as epoch and images per second."""


@dataclass(frozen=True)
class JobEvent:
    """A job's new state, its progress, or a message (``warning``, which does not change the state)."""

    label: str
    state: JobState
    progress: JobProgress | None = None
    message: str = ""


Listener = Callable[[JobEvent], None]
_listeners: list[Listener] = []
_lock = threading.Lock()


def announce(event: JobEvent) -> None:
    """Pass an event to all listeners."""
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
