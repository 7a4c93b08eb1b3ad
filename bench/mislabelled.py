"""Data sets with labels that are wrong on purpose, as people make such errors; trained on and audited."""

from __future__ import annotations

import csv
import importlib
import logging
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from flows.plan import Plan, plan_run
from maskfold.launch import entry
from maskfold.launch.folder import find_outcome
from maskfold.specs import AuditSpec, Outcome, Spec

OutcomeT = TypeVar("OutcomeT", bound=Outcome)


def folders_of(source: Path) -> list[str]:
    """Return the names of all people's folders of a data set in the competition's layout, in its table's order."""
    return [row["path"] for row in _read(source)]


def mislabel(
    source: Path, target: Path, people: Collection[str], flipped: Collection[str], swapped: Collection[str]
) -> None:
    """Copy some people of a data set in the competition's layout, with wrong labels.

    Args:
        source: The data set.
        target: Folder of the copy.
        people: Names of folders to copy.
        flipped: Those that get the other gender, in the folder's name and in the table.
        swapped: Those whose photographs with the mask worn wrongly and without one are interchanged.
    """
    rows = [row for row in _read(source) if row["path"] in set(people)]
    (target / "eval" / "images").mkdir(parents=True)
    asked = sorted((source / "eval" / "images").iterdir())[:2]  # the layout has an evaluation part
    for image in asked:
        shutil.copy(image, target / "eval" / "images")
    lines = ["ImageID,ans", *(f"{image.name},0" for image in asked), ""]
    (target / "eval" / "info.csv").write_text("\n".join(lines), encoding="utf-8")
    for row in rows:
        old = row["path"]
        if old in flipped:
            row["gender"] = {"male": "female", "female": "male"}[row["gender"]]
            row["path"] = "_".join((old.split("_")[0], row["gender"], *old.split("_")[2:]))
        folder = target / "train" / "images" / row["path"]
        shutil.copytree(source / "train" / "images" / old, folder)
        if old in swapped:
            [worn, bare] = [next(folder.glob(f"{name}.*")) for name in ("incorrect_mask", "normal")]
            aside = worn.rename(folder / f"aside{worn.suffix}")
            bare.rename(folder / f"incorrect_mask{bare.suffix}")
            aside.rename(folder / f"normal{aside.suffix}")
    with (target / "train" / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def audited(data: Path, workspace: Path, settings: Sequence[str], weights: Sequence[str]) -> pd.DataFrame:
    """Train with the recipe ``fast``, vote and audit in this process; return the suspects, most certain first."""
    plan = plan_run(str(data), str(workspace), "fast", list(settings), list(weights))
    adopted = {backbone: given.adopt(plan.workspace) for backbone, given in plan.given_weights.items()}
    prepared = _run(plan, plan.prepare())
    cropped = _run(plan, plan.crop(prepared))
    folds = plan.train_folds(prepared, cropped, adopted)
    trained = [_run(plan, spec) for spec in folds]
    evaluated = [_run(plan, spec) for spec in plan.predict_eval(prepared, cropped, folds, trained)]
    vote = plan.ensemble(prepared, cropped, trained, (), tuple(spec.key for spec in folds), evaluated)
    result = _run(plan, vote)
    asked = AuditSpec(workspace=plan.workspace.uri, ensemble_key=vote.key, run="planted", vote=vote, result=result)
    return pd.read_parquet(plan.workspace.fetch(_run(plan, asked).table))


def _run(plan: Plan, spec: Spec[OutcomeT]) -> OutcomeT:
    entry.run_spec(importlib.import_module(f"tasks.{spec.stage}").run, spec, logging.getLogger("bench"))
    found = find_outcome(plan.workspace, spec)
    assert found is not None
    return found


def _read(source: Path) -> list[dict[str, str]]:
    with (source / "train" / "train.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
