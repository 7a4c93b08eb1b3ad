"""All commands, and the start and the end of the process."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

import maskfold
from maskfold.cli import (
    audit,
    automatic,
    curves,
    data_sets,
    export,
    machine,
    models,
    predict,
    recipes,
    running,
    serve,
    studies,
    tuning,
    workspaces,
)
from maskfold.errors import EXIT_INPUT
from maskfold.output import harden_standard_streams

app = typer.Typer(
    name="maskfold",
    help="From a folder of face photographs to a scored submission.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"maskfold {maskfold.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """From a folder of face photographs to a scored submission."""


for command in (
    running.run,
    studies.compare,
    tuning.tune,
    audit.audit,
    automatic.auto,
    predict.predict,
    curves.curves,
    data_sets.check,
    recipes.recipe,
    recipes.explain,
    workspaces.runs,
    workspaces.clean,
    models.models,
    models.promote,
    workspaces.sync,
    serve.serve,
    machine.ui,
    machine.doctor,
    data_sets.demo,
    export.export,
):
    app.command()(command)


def _refuse_locale() -> None:
    """End with a message where names of files would be read as something else than UTF-8."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        print(
            f"maskfold: this locale reads names of files as {encoding}, not as UTF-8; set PYTHONUTF8=1 or "
            "LC_ALL=C.UTF-8 and run again",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_INPUT)


def main() -> None:
    """Run the command line in a process of its own."""
    harden_standard_streams()
    _refuse_locale()
    try:
        app()
    finally:
        # Only the interpreter's end is left, which Ctrl-C may cut short but must not fill the terminal.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
