"""What the terminal shows during a run."""

import io
import logging

import pytest
from rich.console import Console

from maskfold.console import showing_jobs
from maskfold.launch.monitor import JobEvent, JobProgress, announce
from maskfold.pace import ExpectedJob, Pace

LABEL = "train_fold joint 2/3"


def shown(*events: JobEvent, terminal: bool, width: int = 120, jobs: int = 4) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=width, color_system=None, legacy_windows=False)
    with showing_jobs(console, Pace([ExpectedJob(f"job {number}") for number in range(jobs)])):
        for event in events:
            announce(event)
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_brackets_of_messages_are_text(terminal: bool) -> None:
    message = "cannot write /data/[red]/[/x]: gone"
    output = shown(
        JobEvent("weights [b]", "running"),
        JobEvent("weights [b]", "warning", message=message),
        JobEvent("weights [b]", "restarting", message=message),
        JobEvent("weights [b]", "failed", message=message),
        terminal=terminal,
    )
    assert output.count(message) == 2
    assert "weights [b]" in output


@pytest.mark.parametrize("terminal", [True, False])
def test_a_warning_of_many_jobs_is_shown_once(terminal: bool) -> None:
    events = [JobEvent(f"train_fold a {fold}", "warning", message="odd") for fold in range(5)]
    output = shown(*events, terminal=terminal)
    assert output.count("odd") == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_warnings_of_this_process_are_shown(terminal: bool) -> None:
    stream = io.StringIO()
    with showing_jobs(Console(file=stream, force_terminal=terminal, width=120), Pace()):
        logging.getLogger("maskfold.tracking.run").warning("MLflow at %s does not take records now", "x")
        logging.getLogger("maskfold.tracking.run").info("not worth a line")
    assert "MLflow at x does not take records now" in stream.getvalue()
    assert "not worth a line" not in stream.getvalue()


def test_only_finished_jobs_count_as_done() -> None:
    events = [JobEvent("job 0", "done"), JobEvent("job 1", "reused"), JobEvent("job 2", "cancelled")]
    output = shown(*events, terminal=True)
    assert "2/4 jobs" in output
    assert "3/4" not in output
    assert "stopped" in output


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_and_names_fit(width: int) -> None:
    running = JobEvent(LABEL, "running", JobProgress(208, 1280, "images", {"epoch": 7, "images_per_second": 122.4}))
    line = next(line for line in reversed(shown(running, terminal=True, width=width).splitlines()) if LABEL in line)
    assert "━" in line
    assert "208/1280 images" in line
    assert len(line.rstrip()) <= width + 20  # control codes of the cursor


def test_a_narrow_terminal_shows_whole_names() -> None:
    running = JobEvent(LABEL, "running", JobProgress(208, 1280, "images", {"epoch": 7, "images_per_second": 122.4}))
    output = shown(running, terminal=True, width=80)
    assert LABEL in output
    assert "208/1280 images, epoch 7, 122 images/s" in output


def test_without_a_terminal_there_are_no_control_characters() -> None:
    running = JobEvent(LABEL, "running", JobProgress(1, 2, "images"))
    output = shown(
        JobEvent(LABEL, "waiting"), JobEvent(LABEL, "running"), running, JobEvent(LABEL, "done"), terminal=False
    )
    assert output == f"{LABEL}: running\n{LABEL}: done\n"
