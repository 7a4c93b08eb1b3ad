"""Command that searches better settings of a recipe."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from maskfold.cli.endings import running_flow
from maskfold.cli.options import (
    WORKSPACE,
    Data,
    Json,
    Launcher,
    RecipeOption,
    Set,
    Verbose,
    WeightsOption,
    WorkspaceOption,
)
from maskfold.cli.results import print_result, print_rows
from maskfold.servers.surroundings import prefect_settings
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration, printable

_BEST = 10
"""Trials that are listed."""


def tune(
    data: Data,
    workspace: WorkspaceOption = WORKSPACE,
    recipe: RecipeOption = "fast",
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="Time that all jobs may take, such as 45m or 2h; kept within 5 %.")
    ] = "",
    trials: Annotated[int | None, typer.Option(metavar="N", help="How many trials at most.")] = None,
    space: Annotated[
        str, typer.Option(metavar="FILE", help="What to search (YAML), instead of what suits the preset.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the search: another one tries other settings.")] = 0,
    set: Set = [],
    weights: WeightsOption = [],
    launcher: Launcher = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be searched.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Search better settings of a recipe within a budget; adopt only what fresh seeds confirm.

    The same command goes on with an interrupted search, also with a larger budget.
    """
    with running_flow(verbose):
        with prefect_settings():
            from flows.tune import Tuning, tune_here
        from maskfold.cli.progress import progress
        from maskfold.launch import pool_of
        from maskfold.launch.slots import machine_slots
        from maskfold.pace import Pace
        from maskfold.study.space import read_space

        pool_of(launcher)
        searched = read_space(space).plain if space else None
        tuning = Tuning.make(
            data,
            workspace,
            recipe,
            tuple(set),
            tuple(weights),
            budget,
            trials,
            searched,
            seed,
            f"space {space}",
        )
        if dry_run:
            print(printable(tuning.base.said), file=sys.stderr)
            print(printable(tuning.space.text), file=sys.stderr)
            print(f"{tuning.trainings} trainings a trial", file=sys.stderr)
            result: dict[str, Any] = {"space": tuning.space.plain, "trainings": tuning.trainings}
        else:

            def pace() -> Pace:
                return Pace((), len(machine_slots(jobs=tuning.trainings)))

            with progress(Console(stderr=True), tuning.base.said, pace) as shown:
                result = tune_here(tuning, shown, launcher)
            _show(result)
    print_result(result, json)


def _show(result: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False)
    rows = [row for row in result["trials"] if row["state"] == "complete"]
    best = sorted(rows[1:], key=lambda row: -row["difference"])[:_BEST]
    table = Table(box=None, pad_edge=False)
    for name in ("trial", "macro-F1", "difference", "settings"):
        table.add_column(name, overflow="fold")
    for row in (*rows[:1], *best):
        difference = "" if row["difference"] is None else f"{row['difference']:+.3f}"
        table.add_row(row["name"], f"{row['macro_f1']:.3f}", difference, " ".join(row["set"]))
    console.print(table)
    if result["confirmation"]:
        table = Table(box=None, pad_edge=False, title="confirmation, with fresh seeds", title_justify="left")
        for name in ("trial", "macro-F1", "difference", "95 %"):
            table.add_column(name, overflow="fold")
        for number, row in enumerate(result["confirmation"]):
            interval = f"{row['low']:+.3f} to {row['high']:+.3f}" if number else ""
            table.add_row(
                row["name"], f"{row['macro_f1']:.3f}", f"{row['difference']:+.3f}" if number else "", interval
            )
        console.print(table)
    for label, reason in result["failed"].items():
        print(printable(f"failed: {label}: {reason}"), file=sys.stderr)
    gained = f"{result['gain']:+.3f} ({result['low']:+.3f} to {result['high']:+.3f})"
    budget = "" if result["budget"] is None else f" of {duration(result['budget'])}"
    said = {
        "tuning gained": gained if result["adopted"] else "nothing: the recipe stays as it is",
        "go on with": result["winner"],
        "page": result["page"],
        "trials": result["csv"],
        "MLflow run": result["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "jobs took": duration(result["spent"]) + budget,
        "took": duration(result["seconds"]),
    }
    print_rows(said)
