"""The tables that the ensemble publishes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from maskfold.ensemble.combination import Combination, Voter
from maskfold.ensemble.oof import FloatArray
from maskfold.ensemble.scores import confusion
from maskfold.labels import ATTRIBUTES, Attribute, IntArray, Target, class_names, decode
from maskfold.recipe import Recipe
from maskfold.specs import Scores, TrainFoldOutcome


def oof_table(combination: Combination) -> pd.DataFrame:
    """Return the vote's out-of-fold table: image, person, fold, true_class, predicted_class, p0 .. p17."""
    vote = combination.vote
    table = combination.train[["image", "person", "fold", "true_class"]]
    return table.assign(predicted_class=vote.predicted.astype(np.int8), **_columns(vote.oof))


def evaluation_table(combination: Combination) -> pd.DataFrame:
    """Return what the vote says of the evaluation images: image, name, readable, predicted_class, p0 .. p17."""
    values = combination.vote.evaluation
    table = combination.evaluation[["image", "name", "readable"]]
    return table.assign(predicted_class=values.argmax(axis=1).astype(np.int8), **_columns(values))


def score_table(voters: Sequence[Voter]) -> pd.DataFrame:
    """Return one row a voter: voter, target, macro_f1, accuracy, and both for each attribute; empty where not given."""
    return pd.DataFrame([{"voter": voter.name, "target": voter.target, **_flat(voter.scores)} for voter in voters])


def fold_table(recipe: Recipe, trained: Iterable[TrainFoldOutcome]) -> pd.DataFrame:
    """Return one row a trained network: its scores on the held-out fold, its kept epoch, its time."""
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


def confusion_tables(voters: Sequence[Voter], bounds: tuple[int, int]) -> dict[str, pd.DataFrame]:
    """Return the confusion counts of every voter, for the classes and for each attribute that it answers.

    Returns:
        By ``<voter>_<target>``: rows are true classes, columns predicted ones, both named.
    """
    tables = {}
    for voter in voters:
        for target, (true, predicted) in answers(voter).items():
            names = class_names(target, bounds)
            counts = confusion(target, true, predicted)
            index = pd.Index(names, name="true \\ predicted")
            tables[f"{voter.name}_{target}"] = pd.DataFrame(counts, index=index, columns=names)
    return tables


def answers(voter: Voter) -> dict[Target, tuple[IntArray, IntArray]]:
    """Return true and predicted classes for each target that a voter's answers imply."""
    found: dict[Target, tuple[IntArray, IntArray]] = {voter.target: (voter.true, voter.predicted)}
    if voter.target == "joint":
        true, predicted = decode(voter.true), decode(voter.predicted)
        attributes: tuple[Attribute, ...] = ATTRIBUTES
        found.update({name: (true[name], predicted[name]) for name in attributes})
    return found


def _columns(probabilities: FloatArray) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    return {f"p{number}": column.astype(np.float32) for number, column in enumerate(probabilities.T)}


def _flat(scores: Scores) -> dict[str, float | None]:
    flat = {"macro_f1": scores.macro_f1, "accuracy": scores.accuracy}
    for name in ATTRIBUTES:
        for metric in ("macro_f1", "accuracy"):
            flat[f"{name}_{metric}"] = scores.attributes.get(name, {}).get(metric)
    return flat
