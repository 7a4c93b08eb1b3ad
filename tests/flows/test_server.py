"""A Prefect server that becomes unreachable while a flow runs."""

from typing import Any

import httpx
import pytest
from prefect.logging import disable_run_logger

from flows.jobs import ProgressBar
from flows.server import server_may_vanish
from maskfold.errors import JobFailedError, UnavailableError
from maskfold.launch.monitor import JobProgress


def test_it_is_said_in_one_message() -> None:
    with pytest.raises(UnavailableError, match=r"no longer works .*refused.*run again"), server_may_vanish():
        raise httpx.ConnectError("[Errno 111] Connection refused")


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(JobFailedError), server_may_vanish():
        raise JobFailedError("x", 2)


def test_progress_is_tried_once_so_that_a_job_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    def refuse(progress: float, **_: Any) -> None:
        tries.append(progress)
        raise httpx.ConnectError("gone")

    monkeypatch.setattr("flows.jobs.create_progress_artifact", refuse)
    bar = ProgressBar("crop")
    with disable_run_logger():
        bar(JobProgress(5, 10, "images"))
        bar(JobProgress(10, 10, "images"))
    assert tries == [50.0]
