"""What is told about each outcome: metrics and tables, as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from maskfold.scheme import Scheme
from maskfold.specs import CropOutcome, EnsembleOutcome, EpochRecord, PrepareOutcome, TrainFoldOutcome, TrainOutcome

Metric = tuple[str, float, int]
"""Key, value, step."""

_CURVES = ("lr", "train_loss", "valid_loss", "valid_macro_f1", "valid_accuracy", "images_per_second")
CURVE_KEY = "train_loss"
"""The curve that tells which epochs a run has."""


def curve(history: Iterable[EpochRecord]) -> list[Metric]:
    """Return every value of every epoch, with the epoch as step."""
    return [
        (name, value, record.epoch)
        for record in history
        for name in _CURVES
        if (value := getattr(record, name)) is not None
    ]


def prepare_metrics(outcome: PrepareOutcome) -> list[Metric]:
    """Return the counts of a data set."""
    names = ("n_people", "n_train", "n_eval", "n_quarantined", "n_eval_unreadable", "n_corrected", "n_external")
    return [(f"data/{name}", float(getattr(outcome, name)), 0) for name in names]


def crop_metrics(outcome: CropOutcome) -> list[Metric]:
    """Return how many faces were found."""
    names = ("n_images", "fallback_share_train", "fallback_share_eval", "images_per_second")
    metrics = [(f"crop/{name}", float(getattr(outcome, name)), 0) for name in names]
    return metrics + [
        (f"crop/fallback_share {group.group.replace(',', '')}", group.fallback_share, 0) for group in outcome.groups
    ]


def training_metrics(outcome: TrainOutcome) -> list[Metric]:
    """Return the final scores of one trained network, where it was judged, and its speed."""
    scores: list[Metric] = []
    if isinstance(outcome, TrainFoldOutcome):
        scores = [("macro_f1", outcome.macro_f1, 0), ("accuracy", outcome.accuracy, 0)]
    return [
        *scores,
        ("best_epoch", float(outcome.best_epoch), 0),
        ("seconds", outcome.seconds, 0),
        ("median_images_per_second", outcome.images_per_second, 0),
    ]


def ensemble_metrics(outcome: EnsembleOutcome) -> list[Metric]:
    """Return the out-of-fold scores of every voter and of the vote."""
    metrics: list[Metric] = []
    for voter, scores in outcome.scores.items():
        for name, value in (("macro_f1", scores.macro_f1), ("accuracy", scores.accuracy)):
            if value is not None:
                metrics.append((f"oof/{voter}/{name}", value, 0))
        for attribute, values in scores.attributes.items():
            metrics += [(f"oof/{voter}/{attribute}_{name}", value, 0) for name, value in values.items()]
    return metrics


def class_table(outcome: PrepareOutcome, scheme: Scheme) -> str:
    """Return the number of training images of each class as csv."""
    names = scheme.class_names()
    return _csv(("class", "name", "images"), zip(range(len(names)), names, outcome.class_counts, strict=True))


def timing_table(rows: Sequence[tuple[str, float, float | None, bool]]) -> str:
    """Return wall time and speed of each job as csv.

    Args:
        rows: Job, wall time in seconds, images per second (None where a job has none), whether an earlier run did it.
    """
    return _csv(("job", "seconds", "images_per_second", "reused"), rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
