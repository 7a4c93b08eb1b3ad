"""Command for learning curves: of a workspace's runs, or from TensorBoard's event files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from maskfold.cli.endings import exit_codes
from maskfold.cli.options import WORKSPACE, Json
from maskfold.cli.results import print_result
from maskfold.errors import InputError
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import printable

if TYPE_CHECKING:
    import pandas as pd

_LATEST = "latest"


def curves(
    workspace: Annotated[
        str, typer.Option(metavar="URI", help="Workspace of the runs: a folder, file:// or s3://.")
    ] = WORKSPACE,
    run: Annotated[
        str, typer.Option(metavar="latest|all|ID", help="Which runs; the parts of a run, as of a study, belong to it.")
    ] = _LATEST,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Read TensorBoard's event files below DIR, instead of a workspace."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table: FILE.parquet or FILE.csv.")] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the curves into DIR, runs overlaid, as PNG.")
    ] = None,
    write_tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the curves as event files that TensorBoard shows.")
    ] = None,
    json: Json = False,
) -> None:
    """Give the learning curves as one table: run, network, fold, epoch, tag, value; draw and compare them."""
    with exit_codes(verbose=False):
        from maskfold.curves.extra import require_tensorboard
        from maskfold.curves.files import check_name, write_table

        _refuse_contradictions(run, tensorboard, write_tensorboard)
        if out:
            check_name(out)
        if write_tensorboard:
            require_tensorboard()
        if tensorboard:
            table, result, started = _from_events(tensorboard)
        else:
            table, result, started = _from_workspace(workspace, run)
        _show(table, "step" if tensorboard else "epoch")
        if out:
            write_table(table, out)
            result["out"] = str(out)
        if plots:
            result["plots"] = _draw(table, plots, "step" if tensorboard else "epoch")
        if write_tensorboard:
            from maskfold.curves.writing import write_events

            count = write_events(table, write_tensorboard, started)
            result["tensorboard"] = str(write_tensorboard)
            print(printable(f"{count} event files; tensorboard --logdir {write_tensorboard}"), file=sys.stderr)
        print_result(result, json)


def _refuse_contradictions(run: str, tensorboard: Path | None, write_tensorboard: Path | None) -> None:
    if tensorboard and run != _LATEST:
        raise InputError("--run names runs of a workspace; with --tensorboard all runs below its folder are read")
    if tensorboard and write_tensorboard:
        raise InputError("--write-tensorboard writes the runs of a workspace; event files are there already")


def _from_workspace(workspace: str, run: str) -> tuple[pd.DataFrame, dict[str, Any], dict[str, float]]:
    from maskfold import storage
    from maskfold.curves.chosen import read_curves

    found = read_curves(storage.open_existing(workspace), run)
    for text in found.damaged:
        print(printable(f"maskfold: {text}"), file=sys.stderr)
    if found.missing:
        print(f"maskfold: {found.missing} trainings are left out: their results were deleted", file=sys.stderr)
    runs = [{"name": name, "id": one.id} for name, one in found.runs.items()]
    started = {name: one.started / 1000 for name, one in found.runs.items()}
    return found.table, _result(found.table, runs), started


def _from_events(folder: Path) -> tuple[pd.DataFrame, dict[str, Any], dict[str, float]]:
    from maskfold.curves.events import read_events

    found = read_events(folder)
    if found.hidden:
        print(f"{found.hidden} runs are left out: add_hparams made them, for their settings alone", file=sys.stderr)
    runs = [{"name": name, "id": None} for name in dict.fromkeys(found.table["run"])]
    return found.table, _result(found.table, runs), {}


def _result(table: pd.DataFrame, runs: list[dict[str, Any]]) -> dict[str, Any]:
    from maskfold.curves.overview import tags_of

    made: dict[str, Any] = {"out": None, "plots": [], "tensorboard": None}
    return {"rows": len(table), "runs": runs, "tags": tags_of(table), **made}


def _draw(table: pd.DataFrame, folder: Path, axis: str) -> list[str]:
    from maskfold.report.curves import MOST_RUNS, curve_figures
    from maskfold.storage.faults import disk_faults
    from maskfold.theme import LIGHT

    left_out = table["run"].nunique() - MOST_RUNS
    if left_out > 0:
        print(f"the plots show {MOST_RUNS} runs; {left_out} are left out, --run chooses", file=sys.stderr)
    with disk_faults(f"write {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        return [str(figure.save(folder, LIGHT)) for figure in curve_figures(table, axis)]


def _show(table: pd.DataFrame, axis: str) -> None:
    from maskfold.curves.overview import overview

    rows = overview(table)
    named = any(row.network for row in rows)
    scored = any(row.best is not None for row in rows)
    shown = Table(box=None, pad_edge=False)
    columns = ["run", *(["network", "folds"] if named else []), f"last {axis}", "curves", "values"]
    for name in [*columns, *(["best macro-F1"] if scored else [])]:
        shown.add_column(name, overflow="fold")
    for row in rows:
        which = [row.network or "-", str(row.folds)] if named else []
        best = ["" if row.best is None else f"{row.best:.3f}"] if scored else []
        shown.add_row(row.run, *which, f"{row.last:,}", str(row.tags), f"{row.values:,}", *best)
    Console(stderr=True, highlight=False).print(shown)
