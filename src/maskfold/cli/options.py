"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Data = Annotated[
    str, typer.Option(metavar="URI", help="Data set: a folder, file:// or s3://, or a table (csv, parquet) in it.")
]
RecipeOption = Annotated[
    str, typer.Option(metavar="NAME|FILE", help="A preset (smoke, fast, good, best, hot6) or a YAML file.")
]
Set = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one setting, such as 'folds.k=3' or 'networks.*.epochs=5'. Repeatable.",
    ),
]
WeightsOption = Annotated[
    list[str],
    typer.Option(
        metavar="DIR|BACKBONE=URI",
        help="Initial weights: a folder of <backbone>.safetensors, or one file by name. Repeatable.",
    ),
]
WorkspaceOption = Annotated[
    str, typer.Option(metavar="URI", help="Where all results go: a folder, file:// or s3://bucket/prefix.")
]
Launcher = Annotated[
    str, typer.Option(metavar="local|pool:NAME", help="Where jobs run: here, or in a Prefect work pool.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the log lines of all jobs.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON, on a terminal, too.")]

WORKSPACE = "maskfold-out"
"""Folder for results where the user names none."""
