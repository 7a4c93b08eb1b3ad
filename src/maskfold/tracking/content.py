"""What is shown of a job: whatever numbers, texts and curves its outcome holds, and the files named here."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maskfold.specs import EpochRecord, FaceShares, File, Scores, Spec

Point = tuple[str, float, int]
"""Key, value, step."""
CURVE_KEY = "train_loss"
"""The curve that tells which epochs a run has; all curves of an epoch are logged in one call."""
_FOLDERS = {
    "prepare": {"quarantine": "data", "folds": "data"},
    "crop": {"figures": "figures/faces"},
    "train_fold": {"weights": "weights", "samples": "figures"},
    "train_all": {"weights": "weights", "samples": "figures"},
    "ensemble": {"submission": "", "report": "", "oof": "", "figures": "figures", "tables": "tables"},
    "audit": {"page": "", "csv": "", "table": ""},
    "tune": {"page": "", "winner": "", "csv": ""},
    "export": {"model": "model", "card": "model"},
}
"""Artifacts by stage: the outcome's fields that hold files, and their folders; other files stay in the workspace."""
_PREFIXES = {
    "prepare": "data/",
    "crop": "crop/",
    "predict_eval": "predict_eval/",
    "export": "model/",
    "audit": "audit/",
    "look": "look/",
    "measure": "measure/",
    "select": "select/",
}
_FROM_1 = {"epoch", "best_epoch", "resumed_from_epoch"}
"""Counted from 0 in outcomes, from 1 where people look."""
_CURVES = tuple(name for name in EpochRecord.model_fields if name != "epoch")


@dataclass
class Content:
    """What outcomes add to an MLflow run."""

    metrics: dict[str, float] = field(default_factory=dict)
    curves: list[Point] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    files: list[tuple[File, str]] = field(default_factory=list)
    """Files of the workspace, and the artifacts' folders."""
    texts: dict[str, str] = field(default_factory=dict)
    """Artifacts that are made here, by name."""
    seconds: float = 0.0
    images_per_second: float | None = None


def curve(history: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Return every value of every epoch, with the epoch, from 1, as step."""
    return [
        (name, record[name], record["epoch"] + 1)
        for record in history
        for name in _CURVES
        if record.get(name) is not None
    ]


def content_of(stage: str, outcome: bytes, classes: Sequence[str]) -> Content:
    """Return what an outcome shows.

    Args:
        stage: The job's.
        outcome: JSON.
        classes: Names of the classes, in their order.

    Raises:
        ValueError: If the outcome is damaged, or of another version of maskfold.
    """
    spec_type = Spec.of_stage(stage)
    if spec_type is None:
        raise ValueError(f"there is no job {stage!r}")
    spec_type.outcome_type().model_validate_json(outcome)
    values: dict[str, Any] = json.loads(outcome)
    shown = Content(
        curves=curve(values.get("history", ())),
        seconds=values["seconds"],
        images_per_second=values.get("images_per_second"),
    )
    for name, value in values.items():
        if name in _FOLDERS.get(stage, ()):
            files = value if isinstance(value, list) else [value] if value else []
            shown.files += [(File.model_validate(file), _FOLDERS[stage][name]) for file in files]
        elif isinstance(value, str) and value and stage != "predict_eval":
            shown.tags[name] = value
        elif isinstance(value, int | float) and name not in ("seconds", "fold"):
            # What each epoch has as well is the epochs' median here, and needs a name of its own beside the curve.
            key = name.replace("share_", "share/")
            key = f"median_{key}" if shown.curves and name in _CURVES else key
            shown.metrics[_PREFIXES.get(stage, "") + key] = value + (name in _FROM_1)
    for group in map(FaceShares.model_validate, values.get("face_shares", ())):
        shown.metrics[f"crop/fallback_share/{group.group.replace(',', '')}"] = group.fallback_share
    shown.metrics |= _scores({name: Scores.model_validate(one) for name, one in values.get("scores", {}).items()})
    if values.get("class_counts"):
        rows = enumerate(zip(classes, values["class_counts"], strict=False))
        shown.texts["data/class_counts.csv"] = _csv(
            ("class", "name", "images"), ((number, *row) for number, row in rows)
        )
    if values.get("warnings"):
        shown.texts["data/warnings.txt"] = "\n".join(values["warnings"])
    return shown


def timing_table(rows: Iterable[tuple[str, float, float | None, bool]]) -> str:
    """Return wall time and speed of each job as csv.

    Args:
        rows: Job, wall time in seconds, images per second (None where a job has none), whether an earlier run did it.
    """
    return _csv(("job", "seconds", "images_per_second", "reused"), rows)


def fold_means(folds: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return each network's mean over its folds, from networks and scores."""
    by_network: dict[str, list[float]] = {}
    for network, score in folds:
        by_network.setdefault(network, []).append(score)
    return {f"folds/{network}/macro_f1": statistics.fmean(scores) for network, scores in by_network.items()}


def headlines_first(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics in the order of interest: the run's scores, the vote's, other scores, and then all else."""

    def rank(name: str) -> tuple[bool, ...]:
        return "/" in name, not name.startswith("oof/vote/"), not name.startswith("oof/"), not name.startswith("folds/")

    return {name: metrics[name] for name in sorted(metrics, key=rank)}


def _scores(voters: Mapping[str, Scores]) -> dict[str, float]:
    """Return the out-of-fold scores of all voters, and those of the vote as the run's own."""
    found: dict[str, float | None] = {}
    for voter, scores in voters.items():
        for place in (f"oof/{voter}/", *([""] if voter == "vote" else [])):
            found |= {f"{place}{name}": getattr(scores, name) for name in Scores.model_fields if name != "attributes"}
        for attribute, values in scores.attributes.items():
            found |= {f"oof/{voter}/{attribute}_{name}": value for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
