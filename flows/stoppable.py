"""How a flow ends when it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from maskfold.errors import CancelledError
from maskfold.launch.stopping import Stopped, current_stop

Summary = dict[str, Any]


def stoppable(work: Callable[[], Summary]) -> Summary | State[Summary]:
    """Do the work of a flow; if a signal stops it, end as cancelled.

    The command line reports the stop. Raised, it would show as a failure or crash in Prefect.
    """
    stop = current_stop()
    if stop is None:
        return work()
    stop.install()  # Prefect has taken SIGTERM
    try:
        return work()
    except (CancelledError, Stopped):
        return Cancelled(message=f"stopped by {stop.signum.name}" if stop.signum else "stopped")
