"""Command ``predict``: a trained model on any photographs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from maskfold.cli.endings import running_flow
from maskfold.cli.options import WORKSPACE, Json, Verbose, WorkspaceOption
from maskfold.cli.results import print_result, print_rows
from maskfold.servers.surroundings import prefect_settings
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration, printable

_CLASSES = 8
"""Classes whose shares are shown."""


def predict(
    images: Annotated[
        str,
        typer.Option(
            metavar="DIR|s3://...|FILE.csv|PHOTO",
            help="Photographs: a folder, s3://bucket/prefix, a table with a column path or image, or one photograph.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="FILE.csv|s3://...", help="The csv to write.")],
    workspace: WorkspaceOption = WORKSPACE,
    model: Annotated[
        str, typer.Option(metavar="run:latest|run:ID|URI", help="Which model: of a run of the workspace, or a package.")
    ] = "run:latest",
    all_faces: Annotated[
        bool, typer.Option("--all-faces", help="A row for every face, instead of one for each photograph.")
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="True labels (columns image, and class or attributes) to score with."),
    ] = None,
    launcher: Annotated[
        str, typer.Option(metavar="local|pool:NAME", help="Where jobs run: here, or in a Prefect work pool.")
    ] = "local",
    shard_photographs: Annotated[
        int, typer.Option(min=1, help="Photographs of one job; of more, several jobs share the work.")
    ] = 20_000,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Predict photographs with a trained model. Run again to continue; only new photographs are predicted."""
    arguments = {
        "images": images,
        "out": out,
        "workspace": workspace,
        "model": model,
        "all_faces": all_faces,
        "labels": labels,
        "shard_photographs": shard_photographs,
    }
    with running_flow(verbose):
        from flows.prediction import Prediction
        from maskfold.cli.progress import progress
        from maskfold.launch import pool_of
        from maskfold.pace import Pace

        pool_of(launcher)
        prediction = Prediction.make(**arguments)  # type: ignore[arg-type]  # wrong input, before a server starts
        with progress(Console(stderr=True), prediction.said, lambda: Pace([])) as shown:
            with prefect_settings():
                from flows.predict import predict_here
            result = predict_here(prediction, shown, launcher=launcher, **arguments)
        show_answers(result)
    print_result(result, json)


def show_answers(result: Mapping[str, Any]) -> None:
    """Print what came of a prediction, for people."""
    statuses, faceless = result["statuses"], result["drift"]["without_face"]
    rows = {
        "photographs": f"{result['photographs']:,}, of which {result['predicted']:,} were predicted now",
        "faces": ", ".join(f"{name} {count:,}" for name, count in statuses.items()),
        "without a face": "" if faceless is None else f"{faceless[0]:.1%} (in training {faceless[1]:.1%})",
        "answers": _shares(result["classes"]),
        "unsure": f"{result['unsure']:,}, with no class above one half",
        **{f"agrees, {one['target']}": _score(one) for one in result.get("scores", ())},
        "csv": result["out"],
        "new ones": result["new"] or "",
        "contact sheet": result["sheet"] or "",
        "report": result["report"],
        "took": duration(result["seconds"]),
    }
    print_rows(rows)
    for one in result["unreadable"]:
        print(f"unreadable             {printable(one)}", file=sys.stderr)


def _shares(classes: Mapping[str, int]) -> str:
    total = max(1, sum(classes.values()))
    shown = sorted(classes.items(), key=lambda one: -one[1])
    parts = [f"{name} {count / total:.1%}" for name, count in shown[:_CLASSES] if count]
    others = sum(count for _, count in shown[_CLASSES:])
    return "; ".join([*parts, *([f"others {others / total:.1%}"] if others else [])]) or "none"


def _score(score: Mapping[str, Any]) -> str:
    return (
        f"{score['accuracy']:.1%} of {score['photographs']:,} labels (95 % interval {score['accuracy_low']:.1%} to "
        f"{score['accuracy_high']:.1%}), macro-F1 {score['macro_f1']:.3f} ({score['macro_f1_low']:.3f} to "
        f"{score['macro_f1_high']:.3f})"
    )
