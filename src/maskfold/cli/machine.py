"""Commands for this machine: its user interfaces, and whether it is ready."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from maskfold.cli.endings import exit_codes
from maskfold.cli.options import Json
from maskfold.cli.results import print_result
from maskfold.errors import EXIT_FAULT
from maskfold.servers.surroundings import quiet_servers
from maskfold.terminal import PrintableConsole as Console

_MARKS = {"good": "[green]good", "note": "[yellow]note", "bad": "[red]bad"}


def ui(
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Prefect UI.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Show past runs in the Prefect and MLflow user interfaces, on this machine only; Ctrl-C stops them."""
    quiet_servers()
    with exit_codes(verbose=False):
        from maskfold.servers.pages import serve

        serve(prefect_port=prefect_port, mlflow_port=mlflow_port)


def doctor(
    weights: Annotated[str, typer.Option(metavar="DIR", help="Look for initial weights in this folder, too.")] = "",
    workspace: Annotated[str, typer.Option(metavar="URI", help="Try this workspace out, too.")] = "",
    json: Json = False,
) -> None:
    """Look at this machine and its settings: what is ready, what is not, and what to do. Fails if something is bad."""
    quiet_servers()
    with exit_codes(verbose=False):
        from maskfold.doctor import examine

        findings = examine(weights, workspace)
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            table.add_row(finding.name, _MARKS[finding.state], finding.found, finding.advice)
        Console(stderr=True, highlight=False).print(table)
        print_result({finding.name: [finding.state, finding.found, finding.advice] for finding in findings}, json)
    if any(finding.state == "bad" for finding in findings):
        raise SystemExit(EXIT_FAULT)
