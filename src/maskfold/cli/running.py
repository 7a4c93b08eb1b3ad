"""Command ``run``: the whole pipeline, or what it would do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from maskfold.cli.results import print_result
from maskfold.cli.summary import show_forecast, show_summary
from maskfold.pace import Pace
from maskfold.servers.surroundings import prefect_settings
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
    launcher: Launcher = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the jobs, which are done already, and about how long it takes.")
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Crop, train, vote and publish a submission. Run again to continue: finished steps cost nothing."""
    with running_flow(verbose):
        from flows.plan import plan_run
        from maskfold.launch import pool_of

        pool_of(launcher)
        plan = plan_run(data, workspace, recipe, set, weights)  # reports wrong input before any server starts
        if dry_run:
            result = _foresee(plan)
        else:
            from maskfold.cli.progress import progress

            def pace() -> Pace:
                from flows.here import expect

                expected = expect(plan)
                return Pace(expected.jobs, expected.slots)

            arguments = {"data": data, "workspace": workspace, "recipe": recipe, "set": set, "weights": weights}
            with progress(Console(stderr=True), plan.said, pace) as shown:
                with prefect_settings():
                    from flows.here import run_here
                result = run_here(plan, shown, launcher, **arguments)
            show_summary(result, plan.workspace, plan.recipe.scheme)
    print_result(result, json)


def _foresee(plan: Plan) -> dict[str, Any]:
    """Show what a run would do; return it for programs."""
    print(printable(plan.said), file=sys.stderr)
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
        "device": found.device,
        "bytes": found.size,
    }
