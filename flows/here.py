"""One run in this process, with a Prefect server of its own unless one is configured."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flows.forecast import Forecast, forecast, usual
from flows.plan import Plan, handed
from flows.server import recorded_here
from flows.train import train_here


def expect(plan: Plan) -> Forecast:
    """Return the jobs of a run, with times whose ratios are about right, for a progress display."""
    return forecast(plan, usual)


def run_here(plan: Plan, shown: AbstractContextManager[object], launcher: str, **arguments: Any) -> dict[str, Any]:
    """Run the flow ``train`` on a plan.

    Args:
        plan: What to run.
        shown: Entered when the server is up, before the first job: shows the progress.
        launcher: ``local`` or ``pool:NAME``.
        **arguments: What the plan was made from, for the flow's own record.

    Returns:
        What :func:`flows.train.train` returns.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If the run was asked to stop.
    """
    with recorded_here(shown), handed(plan):
        return train_here(launcher=launcher, **arguments)
