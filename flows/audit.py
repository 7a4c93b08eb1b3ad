"""Labels that are probably wrong: found in a finished run, decided by a person."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.auditing import Auditing
from flows.fit import recorded
from flows.jobs import Jobs, launched
from flows.server import page_of_this_run, recorded_here
from flows.stoppable import stoppable
from flows.tables import show_table
from flows.trials import PlannedTrial, run_trials
from maskfold.launch import make_launcher
from maskfold.redaction import redact_logs
from maskfold.specs import AuditOutcome
from maskfold.study.plan import Variant
from maskfold.tracking import RunTracker

SECOND = "second opinion"


def audit_here(auditing: Auditing, shown: AbstractContextManager[object], **arguments: Any) -> dict[str, Any]:
    """Run the flow in this process.

    Args:
        auditing: What to audit, checked.
        shown: Entered when the server is up: shows the progress.
        **arguments: Those of :func:`audit`, for the flow's own record.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If it was asked to stop.
    """
    with recorded_here(shown):
        return cast("dict[str, Any]", audit(**{**arguments, "run": auditing.record.id}))


def _run_name() -> str:
    return f"audit of {flow_run.parameters['run']}"


@flow(name="audit", flow_run_name=_run_name)
def audit(
    workspace: str, run: str = "latest", out: str = "", rounds: int = 1, launcher: str = "local"
) -> dict[str, Any] | State[dict[str, Any]]:
    """Find labels of a finished run that are probably wrong, and write the page on which a person decides.

    Nothing is trained, and no label is changed: the page writes corrections, which a later run takes.

    Args:
        workspace: Where the run has stored its results: a folder, file:// or s3://bucket/prefix.
        run: Which run: latest, or its id, or the beginning of one.
        out: A folder (URI) for copies of the suspects and the page; empty to keep them in the workspace alone.
        rounds: 2 for a second opinion: networks are trained again with what the first round is sure of corrected, and
            the labels are audited by them.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.

    Returns:
        URIs of ``csv``, ``table`` (parquet) and ``page``; counts ``suspects``, ``sure``, ``people`` and by ``kinds``;
        ``first``, the most certain ones; ``run``, ``mlflow_run_id`` and ``seconds`` of wall time.
    """
    redact_logs()
    auditing = Auditing.make(workspace, run, out, rounds)
    return stoppable(lambda: _audit(auditing, launcher))


def _audit(auditing: Auditing, launcher: str) -> dict[str, Any]:
    began = time.monotonic()
    vote = auditing.vote
    started = make_launcher(
        launcher, jobs=len(vote.recipe.networks) * vote.recipe.folds.k if auditing.rounds > 1 else 1
    )
    page = {"prefect.flow_run_id": str(flow_run.id), "prefect.flow_run_url": page_of_this_run()}
    tracker = RunTracker.start(
        auditing.workspace, vote.recipe, vote.data, page, auditing.record.id, f"audit of {auditing.record.name}"
    )
    with recorded(tracker), launched(auditing.workspace, started, vote.recipe.max_job_restarts, tracker) as jobs:
        outcome = jobs.run(auditing.spec())
        if auditing.rounds > 1:
            outcome = _second(auditing, outcome, jobs)
        places = _deliver(auditing, outcome)
    _show(outcome)
    return {
        "workspace": auditing.workspace.uri,
        "audited": auditing.record.id,
        **places,
        "suspects": outcome.n_suspects,
        "sure": outcome.n_sure,
        "people": outcome.n_people,
        "kinds": outcome.kinds,
        "first": [one.model_dump(exclude={"photographs"}) for one in outcome.first],
        "run": tracker.id,
        "mlflow_run_id": tracker.run_id,
        "seconds": round(time.monotonic() - began, 1),
    }


def _second(auditing: Auditing, first: AuditOutcome, jobs: Jobs) -> AuditOutcome:
    """Train again with what the first round is sure of corrected, and audit the labels as they were."""
    if first.corrections is None:
        get_run_logger().info(
            "the first round is sure of nothing that can be corrected; there is nothing to train again"
        )
        return first
    planned = PlannedTrial(Variant(name=SECOND), 0, auditing.again(first.corrections))
    tried = run_trials([planned], jobs, auditing.record.id)
    return jobs.run(auditing.spec(tried.trials[0]))


def _deliver(auditing: Auditing, outcome: AuditOutcome) -> dict[str, str]:
    """Copy the suspects to where the user wants them; return their addresses."""
    files = {"csv": outcome.csv, "table": outcome.table, "page": outcome.page}
    workspace, out = auditing.workspace, auditing.out
    if out is None:
        return {name: workspace.locate(file.path) for name, file in files.items()}
    copies = {name: out.publish(workspace.fetch(file), file.path.rpartition("/")[2]) for name, file in files.items()}
    return {name: out.locate(copy.path) for name, copy in copies.items()}


def _show(outcome: AuditOutcome) -> None:
    rows = [one.model_dump() for one in outcome.first] or [{"suspects": "none"}]
    show_table("suspects", rows, f"{outcome.n_suspects} suspects, of which {outcome.n_sure} are sure")
