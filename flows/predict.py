"""Predictions for any number of photographs: list, share the new ones among jobs, join the answers."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.jobs import Jobs, NoTracker, launched
from flows.prediction import SHARD_PHOTOGRAPHS, Prediction, handed, handed_prediction
from flows.server import recorded_here
from flows.stoppable import stoppable
from maskfold.launch import make_launcher
from maskfold.redaction import redact_logs
from maskfold.specs import AnswersOutcome, File

RESTARTS = 3
"""Restarts of a job that was killed, or whose storage was away."""


def predict_here(prediction: Prediction, shown: AbstractContextManager[object], **arguments: Any) -> dict[str, Any]:
    """Run the flow in this process on a plan.

    Args:
        prediction: What to predict.
        shown: Entered when the server is up: shows the progress.
        **arguments: Those of :func:`predict`, for the flow's own record.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If the run was asked to stop.
    """
    with recorded_here(shown), handed(prediction):
        return cast("dict[str, Any]", predict(**arguments))


def _run_name() -> str:
    given = flow_run.parameters
    return f"{PurePath(given['images']).name or given['images']} by {PurePath(given['model']).name}"


@flow(name="predict", flow_run_name=_run_name)
def predict(
    images: str,
    out: str,
    workspace: str,
    model: str = "run:latest",
    all_faces: bool = False,
    labels: str | None = None,
    launcher: str = "local",
    shard_photographs: int = SHARD_PHOTOGRAPHS,
) -> dict[str, Any] | State[dict[str, Any]]:
    """Predict photographs with a trained model; each photograph is predicted once.

    Answers are kept in the workspace, so that running again continues an interrupted run, and a later run over the same
    folder or bucket only predicts photographs that are new or have changed. The output then has all photographs again;
    those that it did not have before are also in a second csv beside it, NAME.new.csv.

    Args:
        images: A folder of photographs, s3://bucket/prefix, a csv or parquet file with a column path or image, or one
            photograph.
        out: The csv to write: a path or s3://bucket/key; empty to keep it in the workspace alone.
        workspace: Where the model's run has stored its results, and where the answers are kept: a folder or
            s3://bucket/prefix.
        model: run:latest, run:ID, or the URI of a model package.
        all_faces: Answer for every face of a photograph, a row each, instead of the one that is meant.
        labels: A csv with a column image and true labels, class or any attributes, to score the answers.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.
        shard_photographs: Photographs of one job; of more, several jobs share the work. The answers do not depend on
            it.

    Returns:
        ``out``, ``new`` (the second csv, or null), ``sheet`` (PNG of the surest and least sure answers), ``report``
        (JSON); counts ``photographs``, ``predicted`` (by this run), ``rows``, ``statuses``, ``classes``, ``unsure``,
        ``unreadable``; ``drift`` with ``warnings``; ``scores`` if labels are given; ``seconds`` of wall time.
    """
    redact_logs()
    prediction = handed_prediction() or Prediction.make(
        images, out, workspace, model, all_faces, labels, shard_photographs
    )
    return stoppable(lambda: _predict(prediction, launcher))


def _predict(prediction: Prediction, launcher: str) -> dict[str, Any]:
    began = time.monotonic()
    started = make_launcher(launcher, jobs=1)  # here, a job uses all cores, or one of the GPUs
    planned = prediction.listed()
    with launched(prediction.workspace, started, RESTARTS, NoTracker()) as jobs:
        _run_all(prediction.shards(planned), jobs)
        joined = jobs.run(prediction.answers(planned))
    return _deliver(prediction, joined, planned.order) | {
        **_summary(prediction, joined),
        "predicted": planned.fresh_photographs,
        "seconds": round(time.monotonic() - began, 1),
    }


def _deliver(prediction: Prediction, joined: AnswersOutcome, order: File) -> dict[str, str | None]:
    """Write the csv where the user wants it; return its address and that of the one with new answers."""
    out, workspace = prediction.out, prediction.workspace
    if out is None:
        return {"out": workspace.locate(joined.answers.path), "new": None}
    new = None if joined.new is None else out.beside(".new")
    if new is not None and joined.new is not None:
        new.write(workspace, joined.new)
    out.write(workspace, joined.answers)
    # Last: a run that is killed before this line hands in its new answers again.
    prediction.parts.deliver(out.uri, order)
    return {"out": out.uri, "new": None if new is None else new.uri}


def _run_all(shards: list[Any], jobs: Jobs) -> None:
    """Run the jobs side by side. When one fails the others continue, so that the next run can reuse their work."""
    futures = [jobs.submit(spec) for spec in shards]
    failure: Exception | None = None
    for spec, future in zip(shards, futures, strict=True):
        try:
            jobs.collect(spec, future)
        except Exception as error:  # noqa: BLE001 - raised again below, when the others are done
            failure = failure or error
    if failure is not None:
        raise failure


def _summary(prediction: Prediction, joined: AnswersOutcome) -> dict[str, Any]:
    locate = prediction.workspace.locate
    said = joined.model_dump(mode="json", exclude={"answers", "new", "sheet", "report", "seconds"})
    return {
        "model": prediction.model.uri,
        **said,
        "sheet": locate(joined.sheet.path) if joined.sheet else None,
        "report": locate(joined.report.path),
    }
