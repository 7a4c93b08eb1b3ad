"""The automation that lets a Prefect server notice when the process or machine of a job is lost.

A run of a deployment sends heartbeats. When they stop before a final state, the server marks the run as crashed:
https://docs.prefect.io/v3/advanced/detect-zombie-flows.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from maskfold.launch.pool import HEARTBEAT, LOST_JOBS, NO_SIGN_OF_LIFE, SILENCE_SECONDS

TAG = "maskfold"
"""Tag of the deployments that the automation watches."""
_LAST_STATES = ("Completed", "Failed", "Cancelled", "Crashed")


def watch(client: SyncPrefectClient, silence: float = SILENCE_SECONDS) -> None:
    """Create the automation, or update it where it differs; if it was switched off, it stays off.

    Args:
        client: Client of the Prefect server.
        silence: Seconds without a heartbeat after which a run is lost; Prefect allows no fewer than 10.
    """
    automation = _automation(silence)
    found = client.read_automations_by_name(LOST_JOBS)
    if not found:
        client.create_automation(automation)
        return
    known = found[0]
    wanted = automation.model_copy(update={"enabled": known.enabled})
    # An update makes the server forget the runs it watches: those that are lost at this moment would never be noticed.
    if AutomationCore.model_validate(known.model_dump(exclude={"id"})) != wanted:
        client.update_automation(known.id, wanted)


def _automation(silence: float) -> AutomationCore:
    message = f"{NO_SIGN_OF_LIFE} for {silence:.0f} s; its process or machine is lost"
    return AutomationCore(
        name=LOST_JOBS,
        description="Marks runs of maskfold's deployments as crashed when their heartbeats stop",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=ResourceSpecification(
                {"prefect.resource.id": [f"prefect.tag.{TAG}"], "prefect.resource.role": ["tag"]}
            ),
            for_each={"prefect.resource.id"},
            after={HEARTBEAT},
            expect={HEARTBEAT, *(f"prefect.flow-run.{state}" for state in _LAST_STATES)},
            threshold=1,
            within=timedelta(seconds=silence),
            posture=Posture.Proactive,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=message)],
    )
