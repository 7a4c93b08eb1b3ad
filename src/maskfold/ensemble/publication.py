"""What the ensemble puts into the workspace: tables, the checked submission, and its stable copies."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from maskfold import submissions
from maskfold.ensemble.combination import Combination
from maskfold.ensemble.publishers import publisher_for
from maskfold.ensemble.tables import confusion_tables, evaluation_table, fold_table, oof_table, score_table
from maskfold.errors import InvariantError
from maskfold.specs import EnsembleSpec, File
from maskfold.storage import Workspace, write_with_checksum


def publish_tables(
    combination: Combination, spec: EnsembleSpec, workspace: Workspace, address: str, scratch: Path
) -> tuple[File, tuple[File, ...]]:
    """Publish ``oof.parquet``, ``eval_probabilities.parquet`` if there are evaluation images, and all CSV tables.

    Args:
        combination: What they show.
        spec: Recipe and outcomes of the fold jobs.
        workspace: Where they go.
        address: Folder in it.
        scratch: A local folder.

    Returns:
        The out-of-fold table, and the CSV tables.
    """
    oof = _publish_parquet(workspace, f"{address}/oof.parquet", oof_table(combination), scratch)
    if len(combination.evaluation):
        _publish_parquet(workspace, f"{address}/eval_probabilities.parquet", evaluation_table(combination), scratch)
    flat = {"scores": score_table(combination), "fold_scores": fold_table(spec.recipe, spec.trained)}
    matrices = confusion_tables(combination.voters)
    tables = [_write_csv(workspace, f"{address}/{name}.csv", table, index=False) for name, table in flat.items()]
    tables += [
        _write_csv(workspace, f"{address}/confusion_{name}.csv", table, index=True) for name, table in matrices.items()
    ]
    return oof, tuple(tables)


def publish_submission(combination: Combination, reader: str, workspace: Workspace, address: str) -> File | None:
    """Write the vote's answers, check them, and publish ``submission.csv`` with a sha256 file beside it.

    Args:
        combination: The vote.
        reader: Reader of the data set, which decides the form; see :mod:`maskfold.ensemble.publishers`.
        workspace: Where they go.
        address: Folder in it.

    Returns:
        The submission; None where the data set has no evaluation images.

    Raises:
        InvariantError: If a check fails; nothing is published then.
    """
    names = combination.evaluation["name"].tolist()
    if not names:
        return None
    publisher = publisher_for(reader)
    content = publisher.write(names, combination.vote.evaluation, combination.scheme)
    publisher.check(content, names, combination.scheme)
    return write_with_checksum(workspace, f"{address}/submission.csv", content)


def publish_stable_copies(
    submission: File, combination: Combination, spec: EnsembleSpec, workspace: Workspace, log: logging.Logger
) -> None:
    """Copy a published submission to the folder of the workspace's submissions; see :mod:`maskfold.submissions`.

    Args:
        submission: The published file.
        combination: The vote and its score.
        spec: Which run made it.
        workspace: Where it goes.
        log: Told what the copies replace.
    """
    scores = combination.scores[combination.vote.name]
    if scores.macro_f1 is None:
        raise InvariantError("the vote has no score over the joint classes")
    made = submissions.Made(
        key=spec.key,
        recipe=spec.recipe.name,
        macro_f1=scores.macro_f1,
        macro_f1_low=scores.macro_f1_low,
        macro_f1_high=scores.macro_f1_high,
        dataset_version=spec.dataset_version,
        classes=tuple(combination.scheme.class_names()),
        sha256=submission.sha256,
        published=submissions.now(),
    )
    latest, best = submissions.publish(workspace, submission, made)
    if latest.replaced is not None:
        log.info("%s replaces that of %s", submissions.LATEST, latest.replaced)
    if best.made.key != spec.key:
        log.info("%s stays that of %s", submissions.BEST, best.made)


def publish_csv(workspace: Workspace, address: str, tables: Mapping[str, pd.DataFrame]) -> tuple[File, ...]:
    """Publish tables as ``<name>.csv`` in a folder."""
    return tuple(_write_csv(workspace, f"{address}/{name}.csv", table, index=False) for name, table in tables.items())


def _publish_parquet(workspace: Workspace, address: str, table: pd.DataFrame, scratch: Path) -> File:
    path = scratch / Path(address).name
    table.to_parquet(path, index=False)
    return workspace.publish(path, address)


def _write_csv(workspace: Workspace, path: str, table: pd.DataFrame, *, index: bool) -> File:
    return workspace.write(path, table.to_csv(index=index, lineterminator="\n").encode())
