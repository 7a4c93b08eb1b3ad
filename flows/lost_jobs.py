"""The automations that let a Prefect server notice when the process or machine of a run is lost.

A run of a deployment sends heartbeats. When they stop before a final state, the server marks the run as crashed:
https://docs.prefect.io/v3/advanced/detect-zombie-flows. A run of a flow that starts jobs, which a worker has taken and
not started is noticed too: it would keep all later runs of its deployment waiting. (Of jobs, these flows notice it.)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.pools import WAITING
from maskfold.launch.pool import HEARTBEAT, LOST_JOBS, NO_SIGN_OF_LIFE, SILENCE_SECONDS

TAG = "maskfold"
"""Tag of the deployments that the automation watches."""
NOT_STARTED = "maskfold: not started"
"""Name of the second automation."""
START_SECONDS = 900.0
"""A container or pod of a flow that has not begun after this long never will; time to fetch an image is included."""
_LAST_STATES = ("Completed", "Failed", "Cancelled", "Crashed")
_TAKEN = ("Pending", "Submitting", "InfrastructurePending")
_LATER_STATES = (
    "Running",
    "Cancelling",
    "Scheduled",
    "Late",
    "AwaitingRetry",
    "AwaitingConcurrencySlot",
    *_LAST_STATES,
)


def watch(client: SyncPrefectClient, silence: float = SILENCE_SECONDS, start: float = START_SECONDS) -> tuple[str, ...]:
    """Create the automations, or update them where they differ; one that was switched off stays off.

    Args:
        client: Client of the Prefect server.
        silence: Seconds without a heartbeat after which a run is lost; Prefect allows no fewer than 10.
        start: Seconds after which a run of a flow that starts jobs, but was taken and not started is lost.

    Returns:
        Their names.
    """
    automations = (_lost(silence), _not_started(start))
    for automation in automations:
        _save(client, automation)
    return tuple(automation.name for automation in automations)


def _save(client: SyncPrefectClient, automation: AutomationCore) -> None:
    found = client.read_automations_by_name(automation.name)
    if not found:
        client.create_automation(automation)
        return
    known = found[0]
    wanted = automation.model_copy(update={"enabled": known.enabled})
    # An update makes the server forget the runs it watches: those that are lost at this moment would never be noticed.
    if AutomationCore.model_validate(known.model_dump(exclude={"id"})) != wanted:
        client.update_automation(known.id, wanted)


def _lost(silence: float) -> AutomationCore:
    return _crashing(
        LOST_JOBS,
        "Marks runs of maskfold's deployments as crashed when their heartbeats stop",
        f"{NO_SIGN_OF_LIFE} for {silence:.0f} s; its process or machine is lost",
        EventTrigger(
            match_related=_with_tag(TAG),
            after={HEARTBEAT},
            expect={HEARTBEAT, *map(_state, _LAST_STATES)},
            **_about_each_run(silence),
        ),
    )


def _not_started(start: float) -> AutomationCore:
    return _crashing(
        NOT_STARTED,
        f"Marks runs of {' and '.join(WAITING)} as crashed that a worker has taken and not started",
        f"not started for {start:.0f} s; its worker or machine is lost, or its image cannot be fetched",
        EventTrigger(
            match_related=[_with_tag(TAG), _with_tag(*WAITING)],
            after=set(map(_state, _TAKEN)),
            expect=set(map(_state, _LATER_STATES)),
            **_about_each_run(start),
        ),
    )


def _crashing(name: str, description: str, message: str, trigger: EventTrigger) -> AutomationCore:
    actions = [ChangeFlowRunState(state=StateType.CRASHED, message=message)]
    return AutomationCore(name=name, description=description, trigger=trigger, actions=actions)


def _about_each_run(seconds: float) -> dict[str, Any]:
    return {
        "match": ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        "for_each": {"prefect.resource.id"},
        "threshold": 1,
        "within": timedelta(seconds=seconds),
        "posture": Posture.Proactive,
    }


def _with_tag(*tags: str) -> ResourceSpecification:
    """Return what matches runs with one of these tags."""
    names = [f"prefect.tag.{tag}" for tag in tags]
    return ResourceSpecification({"prefect.resource.id": names, "prefect.resource.role": ["tag"]})


def _state(name: str) -> str:
    return f"prefect.flow-run.{name}"
