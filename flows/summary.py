"""What Prefect shows of a finished run: a page and a table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.server import said_by
from maskfold.scheme import Scheme
from maskfold.specs import EnsembleOutcome, Scores, TrainFoldOutcome

_log = logging.getLogger("maskfold.flows.summary")


def publish_summary(
    summary: Mapping[str, Any],
    result: EnsembleOutcome,
    trained: Sequence[TrainFoldOutcome],
    mlflow_page: Callable[[str], str],
    scheme: Scheme,
) -> None:
    """Publish the scores with links as a markdown artifact and the folds' scores as a table artifact.

    If the server does not accept them, a warning is logged and the run continues: all other work is done by then.
    """
    page, table = _page(summary, result, mlflow_page, scheme), [_row(outcome) for outcome in trained]
    try:
        _name_by_score(summary["oof_macro_f1"])
        create_markdown_artifact(key="scores", markdown=page, description="Out-of-fold scores and links")
        create_table_artifact(key="folds", table=table, description="Scores of each fold")
    except Exception as error:  # noqa: BLE001 - scores that cannot be shown must not stop a run
        _log.warning("Prefect does not accept the summary: %s", said_by(error))


def _name_by_score(score: float) -> None:
    """Add the score to the name of this flow run, by which a person tells runs apart."""
    if flow_run.id is not None:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(str(flow_run.id)), name=f"{flow_run.name} {score:.3f}")


def _page(
    summary: Mapping[str, Any], result: EnsembleOutcome, mlflow_page: Callable[[str], str], scheme: Scheme
) -> str:
    classes = f"{scheme.n_classes} classes"
    header = ["voter", f"macro-F1 ({classes})", f"accuracy ({classes})", *scheme.parts]

    def shown(uri: str) -> str:
        """Return where a file is, with a link to its copy in MLflow: browsers open no files of a workspace."""
        name = PurePosixPath(uri).name
        link = f"[{name}]({mlflow_page(f'artifacts/{name}')}), " if summary["mlflow_run_id"] else ""
        return f"{link}`{uri}`"

    submission = shown(summary["submission"]) if summary["submission"] else "none, as there are no evaluation images"
    lines = [
        f"| {' | '.join(header)} |",
        "|---" * len(header) + "|",
        *(_line(name, scores, scheme.parts) for name, scores in result.scores.items()),
        "",
        f"- submission: {submission}",
        f"- report: {shown(summary['report'])}",
        f"- MLflow run: [{summary['mlflow_run_id'] or 'not recorded yet'}]({mlflow_page('')})",
    ]
    return "\n".join(lines)


def _line(name: str, scores: Scores, attributes: Sequence[str]) -> str:
    right = [scores.attributes.get(attribute, {}).get("accuracy") for attribute in attributes]
    cells = [_with_interval(scores), *map(_number, (scores.accuracy, *right))]
    return f"| {name} | {' | '.join(cells)} |"


def _with_interval(scores: Scores) -> str:
    low, high = scores.macro_f1_low, scores.macro_f1_high
    between = "" if low is None or high is None else f" ({low:.3f}–{high:.3f})"
    return f"{_number(scores.macro_f1)}{between}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _row(outcome: TrainFoldOutcome) -> dict[str, Any]:
    return {
        "network": outcome.network,
        "fold": outcome.fold + 1,
        "macro-F1": round(outcome.macro_f1, 4),
        "accuracy": round(outcome.accuracy, 4),
        "kept epoch": outcome.best_epoch + 1,
        "images/s": round(outcome.images_per_second, 1),
        "seconds": round(outcome.seconds, 1),
    }
