"""From finished trials to the table of their variants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from maskfold.dataset import read_folds, read_manifest
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.ensemble.inputs import read_predictions
from maskfold.scheme import IntArray
from maskfold.specs import CompareSpec, File, Trial, VariantScore
from maskfold.study.comparison import compare


def score_trials(spec: CompareSpec, fetch: Callable[[File], Path]) -> tuple[VariantScore, ...]:
    """Return how every variant compares with the first one.

    Args:
        spec: The trials.
        fetch: Returns a local path with a file's bytes.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
    """
    manifest, folds = read_manifest(fetch(spec.prepared.manifest)), read_folds(fetch(spec.prepared.folds))
    trials: dict[str, list[Trial]] = {}
    for trial in spec.trials:
        trials.setdefault(trial.variant, []).append(trial)
    first: Combination | None = None
    predicted: dict[str, list[IntArray]] = {name: [] for name in trials}
    for name, some in trials.items():
        for trial in some:
            voted = _vote(trial, manifest, folds, fetch)
            first = first or voted
            predicted[name].append(voted.vote.predicted)
    if first is None:
        raise ValueError("a comparison needs trials")
    size, base = first.scheme.n_classes, spec.trials[0].variant
    differences = compare(first.train["person"], first.vote.true, predicted, base, size)
    return tuple(
        VariantScore(
            name=name,
            factor=some[0].factor,
            set=some[0].set,
            seeds=len(some),
            macro_f1=differences[name].score,
            difference=differences[name].mean,
            low=differences[name].low,
            high=differences[name].high,
            error=differences[name].error,
            by_seed=differences[name].by_seed,
            wins=differences[name].wins,
            seconds=sum(one.seconds for trial in some for one in trial.trained),
        )
        for name, some in trials.items()
    )


def variant_table(variants: tuple[VariantScore, ...]) -> pd.DataFrame:
    """Return one row a variant; settings and differences by seed as text."""
    rows = [
        {
            **one.model_dump(exclude={"set", "by_seed"}),
            "set": " ".join(one.set),
            "by_seed": " ".join(f"{value:+.4f}" for value in one.by_seed),
        }
        for one in variants
    ]
    return pd.DataFrame(rows)


def _vote(trial: Trial, manifest: pd.DataFrame, folds: pd.DataFrame, fetch: Callable[[File], Path]) -> Combination:
    train = manifest[manifest["part"] != "eval"]  # nobody asked about the evaluation images
    tables = [FoldTable(one.network, one.fold, read_predictions(fetch(one.predictions))) for one in trial.trained]
    return combine(trial.recipe, train, folds, tables)
