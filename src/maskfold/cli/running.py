"""Command ``run``: the whole pipeline, or what it would do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskfold.cli.endings import ends_by_signal, exit_codes
from maskfold.cli.options import WORKSPACE, Data, Json, RecipeOption, Set, Verbose, WeightsOption, WorkspaceOption
from maskfold.cli.results import print_result
from maskfold.cli.servers import prefect_settings, quiet_servers
from maskfold.cli.summary import show_forecast, show_summary
from maskfold.launch.stopping import stopping_on_signals
from maskfold.pace import Pace
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import printable

if TYPE_CHECKING:
    from flows.plan import Plan
    from maskfold.recipe import Network


def run(
    data: Data,
    workspace: WorkspaceOption = WORKSPACE,
    recipe: RecipeOption = "fast",
    set: Set = [],
    weights: WeightsOption = [],
    launcher: Annotated[
        str, typer.Option(metavar="local|pool:NAME", help="Where jobs run: here, or in a Prefect work pool.")
    ] = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the jobs, which are done already, and about how long it takes.")
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Crop, train, vote and publish a submission. Run again to continue: finished steps cost nothing."""
    quiet_servers()
    if not verbose:  # the terminal shows the progress display; Prefect still stores every log line
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_INTERNAL_LOGGING_LEVEL"] = "CRITICAL"
    with exit_codes(verbose), ends_by_signal(), stopping_on_signals() as stop:
        from flows.plan import handed, plan_run
        from maskfold.launch import pool_of

        pool_of(launcher)
        plan = plan_run(data, workspace, recipe, set, weights)  # reports wrong input before any server starts
        print(printable(plan.said), file=sys.stderr)
        if dry_run:
            result = _foresee(plan)
        else:
            print("starting Prefect ...", file=sys.stderr)
            with prefect_settings():
                from flows.server import recording_server
                from flows.train import train_here
            from flows.forecast import forecast, usual
            from maskfold.console import showing_jobs

            expected = forecast(plan, usual)

            with (
                recording_server(),
                showing_jobs(Console(stderr=True), Pace(expected.jobs, expected.slots)),
                handed(plan),
                stop.ends_flow(),
            ):
                result = train_here(
                    data=data, workspace=workspace, recipe=recipe, set=set, weights=weights, launcher=launcher
                )
            show_summary(result, plan.workspace, plan.recipe.scheme)
    print_result(result, json)


def _foresee(plan: Plan) -> dict[str, Any]:
    """Show what a run would do; return it for programs."""
    from flows.forecast import forecast
    from maskfold.training.stopwatch import Measured, measure

    tried: dict[tuple[Any, ...], Measured] = {}

    def measure_once(network: Network, classes: int, size: tuple[int, int], threads: int) -> Measured:
        """Try networks out that differ in more than their labels."""
        alike = (network.backbone, network.batch_size, network.micro_batch, size)
        if alike not in tried:
            tried[alike] = measure(network, classes, size, threads)
        return tried[alike]

    found = forecast(plan, measure_once)
    show_forecast(found, plan)
    return {
        "jobs": [{"job": job.label, "state": job.state, "seconds": round(job.seconds, 1)} for job in found.jobs],
        "seconds": round(found.seconds, 1),
    }
