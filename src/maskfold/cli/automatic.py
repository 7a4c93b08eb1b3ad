"""Command that needs no recipe: the best sound ensemble within a budget."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskfold.cli.endings import running_flow
from maskfold.cli.options import WORKSPACE, Data, Json, Launcher, Set, Verbose, WeightsOption, WorkspaceOption
from maskfold.cli.results import print_result, print_rows
from maskfold.cli.summary import show_summary
from maskfold.servers.surroundings import prefect_settings
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration, printable

if TYPE_CHECKING:
    from flows.auto import Automation
    from maskfold.study.portfolio import Portfolio


def auto(
    data: Data,
    budget: Annotated[str, typer.Option(metavar="TIME", help="Time for everything, such as 5m, 45m or 2h.")],
    workspace: WorkspaceOption = WORKSPACE,
    set: Set = [],
    weights: WeightsOption = [],
    launcher: Launcher = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only measure, and show the plan.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Choose, train and combine the networks that fit a budget. The same command goes on with an interrupted run."""
    with running_flow(verbose):
        with prefect_settings():
            from flows.auto import SIDE_BY_SIDE, Automation, auto_here, described
            from flows.looking import machine_of
        from maskfold.cli.progress import progress
        from maskfold.launch.slots import machine_slots
        from maskfold.pace import Pace

        automation = Automation.make(data, workspace, budget, tuple(set), tuple(weights), launcher)
        console = Console(stderr=True, highlight=False)

        def tell(portfolio: Portfolio) -> None:
            for line in described(portfolio, automation.budget, machine_of(launcher)):
                console.print(f"plan: {printable(line)}", markup=False, soft_wrap=True)
            sys.stderr.flush()  # also a log shows the plan before it starts

        def pace() -> Pace:
            return Pace((), len(machine_slots(jobs=SIDE_BY_SIDE)))

        with progress(console, automation.plan.said, pace) as shown:
            result = auto_here(automation, shown, launcher, tell, only_plan=dry_run)
        if not dry_run:
            _show(result, automation)
    print_result(result, json)


def _show(result: dict[str, Any], automation: Automation) -> None:
    show_summary(result, automation.plan.workspace, automation.base.scheme)
    search, selection = result["search"], result["selection"]
    rows = {
        "planned": f"{duration(result['planned'])} of {duration(result['budget'])}",
        "voters": ", ".join(result["networks"]),
        "left out": ", ".join(result["left_out"]),
        "search": _searched(search) if search else "",
        "selected voters": _selected(selection) if selection else "",
    }
    print_rows(rows)


def _searched(search: dict[str, Any]) -> str:
    if search["adopted"] is None:
        return f"{search['trials']} trials, nothing better was confirmed; {search['page']}"
    between = f"{search['low']:+.3f} to {search['high']:+.3f}"
    return f"{search['adopted']} of {search['trials']} trials, {search['gain']:+.3f} ({between}); {search['page']}"


def _selected(selection: dict[str, Any]) -> str:
    gained = f"{selection['gain']:+.4f} (sd {selection['error']:.4f}) on people that the choice has not seen"
    return f"{gained}: {'adopted' if selection['adopted'] else 'the plain vote stays'}"
