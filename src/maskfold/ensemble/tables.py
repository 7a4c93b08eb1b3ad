"""The tables that the ensemble publishes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from maskfold.ensemble.combination import Combination, Voter, narrow
from maskfold.ensemble.scores import confusion
from maskfold.recipe import Recipe
from maskfold.scheme import FloatArray, Scheme
from maskfold.specs import Scores, TrainFoldOutcome

_METRICS: Final = tuple(f"{metric}{end}" for metric in ("macro_f1", "accuracy") for end in ("", "_low", "_high"))


def oof_table(combination: Combination) -> pd.DataFrame:
    """Return the vote's out-of-fold table: image, person, fold, true_class, predicted_class, p0 .. p<classes-1>."""
    table = combination.train[["image", "person", "fold", "true_class"]]
    return _with_answers(table, combination.vote.oof, combination.scheme)


def evaluation_table(combination: Combination) -> pd.DataFrame:
    """Return the vote's answers for evaluation images: image, name, readable, predicted_class, p0 .. p<classes-1>."""
    table = combination.evaluation[["image", "name", "readable"]]
    return _with_answers(table, combination.vote.evaluation, combination.scheme)


def score_table(combination: Combination) -> pd.DataFrame:
    """Return one row per voter: voter, target, then macro_f1, accuracy and the ends of their 95 % intervals.

    They follow for each attribute, with its name before theirs; cells are empty where a voter has no such score.
    """
    parts = combination.scheme.parts
    rows = [
        {"voter": voter.name, "target": voter.target, **_flat(combination.scores[voter.name], parts)}
        for voter in combination.voters
    ]
    return pd.DataFrame(rows)


def fold_table(recipe: Recipe, trained: Iterable[TrainFoldOutcome]) -> pd.DataFrame:
    """Return one row per trained network: its scores on the held-out fold, its kept epoch, its time."""
    rows = [
        {
            "network": outcome.network,
            "target": recipe.network(outcome.network).target,
            "fold": outcome.fold,
            "macro_f1": outcome.macro_f1,
            "accuracy": outcome.accuracy,
            "best_epoch": outcome.best_epoch,
            "epochs": len(outcome.history),
            "seconds": round(outcome.seconds, 3),
            "images_per_second": round(outcome.images_per_second, 1),
            "device": outcome.device,
            "amp": outcome.amp,
            "initial_weights": outcome.initial_weights,
        }
        for outcome in trained
    ]
    order = {network.name: number for number, network in enumerate(recipe.networks)}
    rows.sort(key=lambda row: (order[str(row["network"])], row["fold"]))
    return pd.DataFrame(rows)


def confusion_tables(voters: Sequence[Voter]) -> dict[str, pd.DataFrame]:
    """Return the confusion counts of every voter, for the joint classes and for each attribute that it predicts.

    Returns:
        By ``<voter>_<target>``: rows are true classes, columns predicted ones, both named.
    """
    tables = {}
    for voter in voters:
        for target, (true, predicted) in voter.answers.items():
            names = voter.scheme.class_names(target)
            counts = confusion(true, predicted, len(names))
            index = pd.Index(names, name="true \\ predicted")
            tables[f"{voter.name}_{target}"] = pd.DataFrame(counts, index=index, columns=names)
    return tables


def _with_answers(table: pd.DataFrame, probabilities: FloatArray, scheme: Scheme) -> pd.DataFrame:
    """Return a table with the most probable class and all probabilities, float32, (N, classes), of each row."""
    columns = [f"p{number}" for number in range(scheme.n_classes)]
    values = pd.DataFrame(probabilities.astype(np.float32), index=table.index, columns=columns)
    return pd.concat([table.assign(predicted_class=narrow(probabilities.argmax(axis=1), scheme)), values], axis=1)


def _flat(scores: Scores, parts: Sequence[str]) -> dict[str, float | None]:
    flat: dict[str, float | None] = {metric: getattr(scores, metric) for metric in _METRICS}
    for name in parts:
        pair = scores.attributes.get(name, {})
        flat |= {f"{name}_{metric}": pair.get(metric) for metric in _METRICS}
    return flat
