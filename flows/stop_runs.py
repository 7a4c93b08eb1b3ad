"""Cancels all runs of flows that start jobs, and with them the jobs, before the servers stop.

``python -m flows.stop_runs`` does it.

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
from flows.pools import WAITING

PATIENCE_SECONDS = 90.0
"""A job saves its state before it ends."""
_ACTIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def stop_runs(client: SyncPrefectClient, patience: float = PATIENCE_SECONDS) -> int:
    """Cancel the runs of flows that start jobs and wait for their workers; return how many runs were active.

    What has not ended in time, jobs too, is marked as cancelled.
    """
    stopped, deadline = set(), time.monotonic() + patience
    while (active := _active(client, *WAITING)) and time.monotonic() < deadline:
        for run in active:
            if run.id not in stopped and run.state_type != StateType.CANCELLING:
                client.set_flow_run_state(run.id, Cancelling(message="the stack is stopped"))
            stopped.add(run.id)
        time.sleep(1)
    for run in _active(client, *WAITING, "job"):
        client.set_flow_run_state(run.id, Cancelled(message="the stack is stopped"), force=True)
    return len(stopped)


def _active(client: SyncPrefectClient, *flows: str) -> list[FlowRun]:
    """Return the active runs of our deployments of some flows, in the flows' order."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ACTIVE))
    filters = [FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG, flow]), state=states) for flow in flows]
    return [run for one in filters for run in client.read_flow_runs(flow_run_filter=one)]


def main() -> int:
    """Stop and print how many; return the exit code."""
    with get_client(sync_client=True) as client:
        print(f"cancelled {stop_runs(client)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
