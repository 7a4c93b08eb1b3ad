"""The words beside a bar."""

from __future__ import annotations

from maskfold.launch.monitor import JobProgress
from maskfold.pace import Pace
from maskfold.wording import duration


def remaining(pace: Pace) -> str:
    """Return how many jobs are done and about how long the rest takes."""
    left = pace.seconds_left()
    return f"{pace.n_done}/{pace.n_jobs} jobs, " + (f"about {duration(left)} left" if left >= 1 else "nearly done")


def told(text: str, label: str) -> str:
    """Return a message with the job that it comes from, if it comes from one."""
    return f"{label}: {text}" if label else text


def note(progress: JobProgress, short: bool = False) -> str:
    """Return how far a job is; ``short`` leaves out all but the counts."""
    parts = [f"{progress.done}/{progress.total} {progress.unit}"]
    for name, value in progress.fields.items() if not short else ():
        shown = f"{value:.0f}" if isinstance(value, float) else str(value)
        parts.append(f"{shown} images/s" if name == "images_per_second" else f"{name} {shown}")
    return ", ".join(parts)
