"""Commands that try several recipes: compare variants."""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import TYPE_CHECKING, Annotated, Any

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
from maskfold.errors import InputError
from maskfold.servers.surroundings import prefect_settings
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration, printable

if TYPE_CHECKING:
    from flows.compare import Comparison
    from maskfold.study.plan import Study


def compare(
    context: typer.Context,
    data: Data,
    workspace: WorkspaceOption = WORKSPACE,
    recipe: RecipeOption = "fast",
    vary: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=VALUE,VALUE",
            help="Values to try of a setting, such as 'networks.joint.loss=cross-entropy,focal'. Repeatable.",
        ),
    ] = [],
    study: Annotated[
        str, typer.Option(metavar="FILE", help="A study file (YAML) instead of --recipe and --vary.")
    ] = "",
    grid: Annotated[bool, typer.Option("--grid", help="All combinations instead of one setting at a time.")] = False,
    seeds: Annotated[
        int, typer.Option(min=1, max=20, help="Seeds that each variant is trained with; a study file may name another.")
    ] = 3,
    set: Set = [],
    weights: WeightsOption = [],
    launcher: Launcher = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the variants and their trainings.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare variants of a recipe on the same folds, with intervals; merge what wins and confirm it."""
    with running_flow(verbose):
        with prefect_settings():
            from flows.compare import Comparison, compare_here
        from maskfold.cli.progress import progress
        from maskfold.launch import pool_of
        from maskfold.launch.slots import machine_slots
        from maskfold.pace import Pace

        pool_of(launcher)
        given = {name for name in context.params if _is_given(context, name)}
        chosen = _read(study, given, seeds, set) if study else _varied(recipe, vary, grid, seeds, set)
        comparison = Comparison.make(chosen, data, workspace, tuple(weights))
        if dry_run:
            _list(comparison)
            names = [variant.name for variant, _ in comparison.variants]
            result: dict[str, Any] = {"variants": names, "trainings": comparison.trainings()}
        else:

            def pace() -> Pace:
                slots = machine_slots(jobs=len(comparison.trainings()))
                return Pace(comparison.expected(), len(slots))

            with progress(Console(stderr=True), comparison.base.said, pace) as shown:
                result = compare_here(comparison, shown, launcher)
            _show(result)
    print_result(result, json)


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option is on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _read(path: str, given: Container[str], seeds: int, set: list[str]) -> Study:
    """Return a study of a file, with what the command line may add to it."""
    from maskfold.study.plan import read_study

    for option in ("recipe", "vary", "grid"):
        if option in given:
            raise InputError(f"--study says this already; leave --{option} out, or write `{option}` into {path}")
    found = read_study(path)
    return found.model_copy(
        update={"set": (*found.set, *set), **({"seeds": seeds} if "seeds" in given else {})},
    )


def _varied(recipe: str, vary: list[str], grid: bool, seeds: int, set: list[str]) -> Study:
    from maskfold.study.plan import make_study, parse_vary

    if not vary:
        raise InputError(
            "nothing to compare: --vary 'KEY=VALUE,VALUE' names values of a setting, --study FILE a study file; "
            "`maskfold explain KEY` says what a setting means"
        )
    given = {"recipe": recipe, "set": set, "vary": parse_vary(vary), "grid": grid, "seeds": seeds}
    return make_study(given, "--vary")


def _list(comparison: Comparison) -> None:
    print(printable(comparison.base.said), file=sys.stderr)
    table = Table(box=None, pad_edge=False)
    table.add_column("variant")
    table.add_column("settings", overflow="fold")
    for variant, _ in comparison.variants:
        table.add_row(variant.name, " ".join(variant.set) or "the recipe as it is")
    Console(stderr=True, highlight=False).print(table)
    print(f"{len(comparison.trainings())} trainings, with {comparison.study.seeds} seeds each", file=sys.stderr)


def _show(result: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False)
    for title, rows in (("", result["variants"]), ("confirmation, with fresh seeds", result["confirmation"])):
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
        for name in ("variant", "macro-F1", "difference", "95 %", "wins"):
            table.add_column(name, overflow="fold")
        for number, row in enumerate(rows):
            interval = f"{row['low']:+.3f} to {row['high']:+.3f}" if number else ""
            difference = f"{row['difference']:+.3f}" if number else ""
            table.add_row(row["name"], f"{row['macro_f1']:.3f}", difference, interval, "yes" if row["wins"] else "")
        console.print(table)
    for label, reason in result["failed"].items():
        print(printable(f"failed: {label}: {reason}"), file=sys.stderr)
    said = "the merged recipe" if result["adopted"] else "the base, nothing better was confirmed"
    rows = {
        "go on with": f"{result['winner']} ({said})",
        "page": result["page"],
        "learning curves": result["curves"],
        "MLflow run": result["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "took": duration(result["seconds"]),
    }
    print_rows(rows)
