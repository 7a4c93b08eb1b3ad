"""Commands for workspaces: list runs, make room, record in MLflow."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from maskfold import errors
from maskfold.cli.endings import exit_codes
from maskfold.cli.options import WORKSPACE, Json
from maskfold.cli.results import print_result
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import first_few, printable

if TYPE_CHECKING:
    from maskfold.cleaning import Cleaning
    from maskfold.history import Run

Workspace = Annotated[str, typer.Option(metavar="URI", help="Workspace of the runs: a folder, file:// or s3://.")]
_SHOWN_CHANGES = 6
_LINE = "{:<10}{:<13}{:<19}{:<10}{}"
_INDENT = 10


def runs(workspace: Workspace = WORKSPACE, json: Json = False) -> None:
    """List the runs of a workspace, the best first: when, recipe and what was changed, score, submission."""
    with exit_codes(verbose=False):
        from maskfold import storage
        from maskfold.history import best_first, read_runs

        opened = storage.open_existing(workspace)
        found, damaged = read_runs(opened)
        for text in damaged:
            print(printable(f"maskfold: {text}"), file=sys.stderr)
        if not found:
            raise errors.WorkspaceError(f"{workspace}: this workspace has no record of a run")
        ordered = best_first(found)
        console = Console(stderr=True, highlight=False)
        console.print(_LINE.format("macro-F1", "95 %", "started (UTC)", "status", "recipe"), style="bold", markup=False)
        for run in ordered:
            cells = (_number(run.score), _interval(run), run.started, run.status, run.recipe or run.record.name)
            console.print(_LINE.format(*cells), markup=False)
            for more in filter(None, (first_few(run.changes, _SHOWN_CHANGES), _submission(run))):
                console.print(Padding(Text(more, style="dim"), (0, 0, 0, _INDENT)))
        print_result(
            {
                "runs": [
                    {
                        "id": run.record.id,
                        "started": run.started,
                        "status": run.status,
                        "data": run.record.data,
                        "recipe": run.recipe,
                        "changes": list(run.changes),
                        "macro_f1": run.score,
                        "submission": opened.locate(_submission(run)) if _submission(run) else None,
                        "report": opened.locate(run.outcome.report.path) if run.outcome else None,
                    }
                    for run in ordered
                ]
            },
            json,
        )


def clean(
    keep: Annotated[int, typer.Option(min=0, metavar="N", help="Keep the N newest runs, and the best one.")],
    workspace: Workspace = WORKSPACE,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    json: Json = False,
) -> None:
    """Delete old runs, and results that no kept run needs. Lists them first, and asks."""
    with exit_codes(verbose=False):
        from maskfold import cleaning, storage

        opened = storage.open_existing(workspace)
        plan = cleaning.plan_cleaning(opened, keep)
        _show_cleaning(plan)
        if plan.files and not yes:
            if not sys.stdin.isatty():
                raise errors.InputError("nothing was deleted: --yes deletes what is listed above")
            if not typer.confirm("Delete?", err=True):
                raise errors.InputError("nothing was deleted")
        cleaning.delete(opened, plan)
        result = {"workspace": opened.uri, "deleted": plan.folders, "files": len(plan.files), "bytes": plan.size}
        print_result(result, json)


def sync(
    workspace: Workspace = WORKSPACE,
    tracking_uri: Annotated[
        str, typer.Option(metavar="URI", help="MLflow to use instead of MLFLOW_TRACKING_URI.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Record in MLflow what it does not have yet of a workspace's runs and models. Adds nothing twice."""
    with exit_codes(verbose=False):
        from maskfold import storage, tracking

        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        tracking.refuse_unusable_uri(tracking_uri)
        report = tracking.sync(storage.open_existing(workspace), tracking_uri or None)
        if report == tracking.SyncReport():
            raise errors.WorkspaceError(
                f"{workspace}: this workspace has neither a run nor a champion; name the workspace of a finished run"
            )
        counts = {"recorded": report.complete, "incomplete": report.incomplete, "running": report.running}
        text = f"{report.complete} runs recorded, {report.incomplete} incomplete, {report.running} still running"
        print(text, file=sys.stderr)
        print_result(counts, json)
        if report.away:
            raise errors.UnavailableError(f"MLflow does not take records now: {report.away}; run again later")
        if report.incomplete:
            raise errors.MaskfoldError("not everything is recorded, see above; run again to try again")


def _show_cleaning(plan: Cleaning) -> None:
    console = Console(stderr=True, highlight=False)
    for folder in plan.folders:
        console.print(folder, markup=False)
    kept = first_few([run.record.name for run in plan.kept]) or "no run"
    console.print(
        f"{len(plan.files):,} files of {len(plan.removed)} old runs and unused jobs, {plan.size / 1e6:,.1f} MB; "
        f"kept: {kept}",
        markup=False,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(run: Run) -> str:
    scores = run.outcome.scores["vote"] if run.outcome else None
    if scores is None or scores.macro_f1_low is None:
        return ""
    return f"{_number(scores.macro_f1_low)}-{_number(scores.macro_f1_high)}"


def _submission(run: Run) -> str:
    return run.outcome.submission.path if run.outcome and run.outcome.submission else ""
