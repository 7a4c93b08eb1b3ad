"""Cancels all runs that start jobs, and these jobs, before the servers stop: ``python -m flows.stop_runs``.

A run whose container is only killed would be shown as running, keep its deployment's place, and start jobs again later.
"""

from __future__ import annotations

import sys
import time

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled, Cancelling

from flows.lost_jobs import TAG

PATIENCE_SECONDS = 90.0
"""A job saves its state before it ends."""
_ACTIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def stop_runs(client: SyncPrefectClient, patience: float = PATIENCE_SECONDS) -> int:
    """Cancel the runs of ``train`` and ``predict`` and wait for their workers; return how many runs were active.

    What has not ended in time, jobs too, is marked as cancelled.
    """
    stopped, deadline = set(), time.monotonic() + patience
    while (active := _asking(client)) and time.monotonic() < deadline:
        for run in active:
            if run.id not in stopped and run.state_type != StateType.CANCELLING:
                client.set_flow_run_state(run.id, Cancelling(message="the stack is stopped"))
            stopped.add(run.id)
        time.sleep(1)
    for run in (*_asking(client), *_active(client, "job")):
        client.set_flow_run_state(run.id, Cancelled(message="the stack is stopped"), force=True)
    return len(stopped)


def _asking(client: SyncPrefectClient) -> list[FlowRun]:
    """Return the runs that start jobs."""
    return [*_active(client, "train"), *_active(client, "predict")]


def _active(client: SyncPrefectClient, flow: str) -> list[FlowRun]:
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ACTIVE))
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG, flow]), state=states))


def main() -> int:
    """Stop and print how many; return the exit code."""
    with get_client(sync_client=True) as client:
        print(f"cancelled {stop_runs(client)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
