"""What a running job reports, over a real pipe."""

import logging
import multiprocessing
from collections.abc import Callable

from maskfold.launch.launcher import Watcher
from maskfold.launch.monitor import JobProgress
from maskfold.launch.reports import Reports, receive


def reported(report: Callable[[Reports], None], watcher: Watcher) -> None:
    reading, writing = multiprocessing.Pipe(duplex=False)
    reports = Reports(writing)
    report(reports)
    writing.close()
    receive(reading, watcher.on_progress, watcher.record)


def test_progress_and_log_records_arrive_whole() -> None:
    seen: list[JobProgress] = []
    warnings: list[str] = []
    progress = JobProgress(3, 4, "images", {"epoch": 1, "images_per_second": 2.5})
    text = "a cell\n::progress {bad\nof a table"

    def report(reports: Reports) -> None:
        reports.progress(progress)
        reports.handle(logging.LogRecord("maskfold.crop", logging.WARNING, "", 0, "%s", (text,), None))
        reports.handle(logging.LogRecord("maskfold.crop", logging.INFO, "", 0, "nothing to warn of", (), None))

    reported(report, Watcher(logging.getLogger("test"), lambda: None, seen.append, warnings.append))
    assert seen == [progress]
    assert warnings == [text]


def test_progress_to_a_launcher_that_is_gone_stops_nothing() -> None:
    reading, writing = multiprocessing.Pipe(duplex=False)
    reading.close()
    Reports(writing).progress(JobProgress(1, 2, "images"))


def test_a_display_that_fails_does_not_hold_the_job_up() -> None:
    seen: list[int] = []

    def show(progress: JobProgress) -> None:
        seen.append(progress.done)
        raise RuntimeError("no terminal")

    def report(reports: Reports) -> None:
        for done in range(3):
            reports.progress(JobProgress(done, 3, "images"))

    reported(report, Watcher(logging.getLogger("test"), lambda: None, show))
    assert seen == [0, 1, 2]
