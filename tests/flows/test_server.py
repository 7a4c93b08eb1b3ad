"""A Prefect server that becomes unreachable while a flow runs."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from prefect.logging import disable_run_logger
from prefect.logging.handlers import APILogWorker

from flows.jobs import ProgressBar
from flows.server import quiet_about_lost_logs, server_may_vanish
from maskfold.errors import JobFailedError, UnavailableError
from maskfold.launch.monitor import JobProgress


def test_it_is_said_in_one_message() -> None:
    with pytest.raises(UnavailableError, match=r"no longer works .*refused.*run again"), server_may_vanish():
        raise httpx.ConnectError("[Errno 111] Connection refused")


def test_an_answer_of_the_server_is_said_without_the_addresses_that_libraries_add() -> None:
    request = httpx.Request("POST", "http://127.0.0.1:1/api/logs/")
    error = httpx.HTTPStatusError(
        "... For more information check: https://x", request=request, response=httpx.Response(500)
    )
    with (
        pytest.raises(UnavailableError, match=r"\(it answers 500 Internal Server Error\)") as caught,
        server_may_vanish(),
    ):
        raise error
    assert "https://x" not in str(caught.value)


def test_prefect_does_not_complain_of_every_batch_of_lost_log_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Prefect's own worker, whose client fails as with a server on a full disk."""

    class Failing:
        async def create_logs(self, items: list[dict[str, Any]]) -> None:
            raise httpx.ReadError("500")

    worker = APILogWorker.instance()
    monkeypatch.setattr(worker, "_client", Failing(), raising=False)  # other tests' lines go the same way
    asyncio.run(worker._handle_batch([{}]))
    assert "Error logging to API" in capsys.readouterr().err  # else the guard below guards nothing
    with quiet_about_lost_logs():
        asyncio.run(worker._handle_batch([{}]))
    assert capsys.readouterr().err == ""
    assert logging.raiseExceptions


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
