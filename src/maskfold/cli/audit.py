"""Command ``audit``: labels that are probably wrong, for a person to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from maskfold.cli.endings import running_flow
from maskfold.cli.options import WORKSPACE, Json, Launcher, Verbose, WorkspaceOption
from maskfold.cli.results import print_result, print_rows
from maskfold.servers.surroundings import prefect_settings
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration, printable

_SHOWN = 10
"""Suspects that are listed."""


def audit(
    workspace: WorkspaceOption = WORKSPACE,
    run: Annotated[
        str, typer.Option(metavar="latest|ID", help="Which run; the beginning of its id is enough.")
    ] = "latest",
    out: Annotated[
        str, typer.Option(metavar="DIR", help="A folder for copies of suspects.csv and the page to review them.")
    ] = "",
    rounds: Annotated[
        int, typer.Option(help="2: train again with what is sure corrected, and let these networks judge.")
    ] = 1,
    launcher: Launcher = "local",
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find labels of a finished run that are probably wrong. Nothing is changed: a person decides."""
    arguments = {"workspace": workspace, "run": run, "out": out, "rounds": rounds}
    with running_flow(verbose):
        from flows.auditing import Auditing
        from maskfold.cli.progress import progress
        from maskfold.launch import pool_of
        from maskfold.pace import Pace

        pool_of(launcher)
        auditing = Auditing.make(**arguments)  # type: ignore[arg-type]  # wrong input, before a server starts
        with progress(Console(stderr=True), auditing.said, lambda: Pace([])) as shown:
            with prefect_settings():
                from flows.audit import audit_here
            result = audit_here(auditing, shown, launcher=launcher, **arguments)
        _show(result)
    print_result(result, json)


def _show(result: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("person", "kind", "label", "suggestion", "certainty"):
        table.add_column(name, overflow="fold")
    for row in result["first"][:_SHOWN]:
        certainty = f"{row['certainty']:.1f} {row['grade']}"
        table.add_row(*(printable(row[name]) for name in ("person", "kind", "label", "suggestion")), certainty)
    if result["first"]:
        Console(stderr=True, highlight=False).print(table)
    found = ", ".join(f"{kind} {count:,}" for kind, count in result["kinds"].items()) or "none"
    rows = {
        "suspects": f"{found}; {result['sure']:,} are sure, of {result['people']:,} people",
        "all of them": result["csv"],
        "decide here": result["page"],
        "then": "maskfold run ... --set dataset.corrections=corrections.csv",
        "MLflow run": result["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "took": duration(result["seconds"]),
    }
    print_rows(rows)
