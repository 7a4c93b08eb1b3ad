"""Commands for trained models: list them, choose the champion."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from maskfold import errors
from maskfold.cli.endings import exit_codes
from maskfold.cli.options import WORKSPACE, Json
from maskfold.cli.results import print_result
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import printable

if TYPE_CHECKING:
    from maskfold.specs import Scores

Workspace = Annotated[str, typer.Option(metavar="URI", help="Workspace of the models: a folder, file:// or s3://.")]


def models(workspace: Workspace = WORKSPACE, json: Json = False) -> None:
    """List the models of a workspace, the best first: recipe, score, size, which is the champion."""
    with exit_codes(verbose=False):
        from maskfold import storage
        from maskfold.promotion import list_models

        found, damaged = list_models(storage.open_existing(workspace))
        for text in damaged:
            print(printable(f"maskfold: {text}"), file=sys.stderr)
        if not found:
            raise errors.WorkspaceError(f"{workspace}: this workspace has no model; each finished run makes one")
        table = Table(box=None, pad_edge=False)
        for name in ("", "key", "model", "recipe", "macro-F1", "95 %", "size", "data set"):
            table.add_column(name, overflow="fold")
        for one in found:
            model, vote = one.package, one.package.vote
            score = "" if vote.macro_f1 is None else f"{vote.macro_f1:.3f}"
            mark, size = "champion" if one.is_champion else "", f"{one.size / 1e6:,.1f} MB"
            table.add_row(
                mark, model.key, model.name, model.recipe, score, _interval(vote), size, model.dataset_version[:12]
            )
        Console(stderr=True, highlight=False).print(table)
        print_result(
            {
                "models": [
                    {
                        "key": one.package.key,
                        "model": one.package.name,
                        "recipe": one.package.recipe,
                        "macro_f1": one.package.vote.macro_f1,
                        "macro_f1_low": one.package.vote.macro_f1_low,
                        "macro_f1_high": one.package.vote.macro_f1_high,
                        "dataset_version": one.package.dataset_version,
                        "size": one.size,
                        "champion": one.is_champion,
                        "package": one.uri,
                    }
                    for one in found
                ]
            },
            json,
        )


def promote(
    model: Annotated[
        str,
        typer.Option(
            metavar="run:ID|URI", help="Model: run:latest, run:ID, models:/NAME/VERSION, or the folder of a package."
        ),
    ],
    workspace: Workspace = WORKSPACE,
    json: Json = False,
) -> None:
    """Make a model the champion, whatever its score: the one that `--model champion` means. MLflow's alias follows."""
    with exit_codes(verbose=False):
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        from maskfold import tracking
        from maskfold.promotion import promote as make_champion

        tracking.refuse_unusable_uri()
        done = make_champion(model, workspace)
        champion, before = done.record.champion, done.record.replaced
        if done.warning:
            print(printable(f"maskfold: {done.warning}"), file=sys.stderr)
        was = f", in place of {before}" if before is not None else ""
        print(printable(f"{champion} is the champion of {champion.model}{was}"), file=sys.stderr)
        if done.away:
            text = f"MLflow does not take records now ({done.away}); `maskfold sync` moves its alias later"
            print(printable(f"maskfold: {text}"), file=sys.stderr)
        result = {
            "model": champion.model,
            "key": champion.key,
            "digest": champion.digest,
            "package": done.uri,
            "replaced": None if before is None else before.key,
            "registered": not done.away,
        }
        print_result(result, json)


def _interval(scores: Scores) -> str:
    if scores.macro_f1_low is None or scores.macro_f1_high is None:
        return ""
    return f"{scores.macro_f1_low:.3f}-{scores.macro_f1_high:.3f}"
