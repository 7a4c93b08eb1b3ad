"""From finished trials to the table of their variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from maskfold.dataset import read_folds, read_manifest
from maskfold.dataset.folds import held_out_folds
from maskfold.dataset.manifest import train_rows
from maskfold.ensemble.combination import Combination, FoldTable, combine
from maskfold.ensemble.inputs import read_predictions
from maskfold.ensemble.scores import macro_f1
from maskfold.scheme import IntArray
from maskfold.specs import File, PrepareOutcome, ScoreSpec, Trial, VariantScore
from maskfold.study.comparison import Difference, compare


def score_trials(
    given: Sequence[Trial], prepared: PrepareOutcome, fetch: Callable[[File], Path]
) -> tuple[VariantScore, ...]:
    """Return how every variant compares with the first one.

    Args:
        given: The trials, each variant with the same seeds; the base's first.
        prepared: The data set's tables.
        fetch: Returns a local path with a file's bytes.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
    """
    manifest, folds = read_manifest(fetch(prepared.manifest)), read_folds(fetch(prepared.folds))
    trials: dict[str, list[Trial]] = {}
    for trial in given:
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
    size, base = first.scheme.n_classes, given[0].variant
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


def vote_of(trial: Trial, prepared: PrepareOutcome, fetch: Callable[[File], Path]) -> Combination:
    """Return all voters of a trial, out-of-fold.

    Args:
        trial: With all its trainings.
        prepared: The data set's tables.
        fetch: Returns a local path with a file's bytes.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
    """
    return _vote(trial, read_manifest(fetch(prepared.manifest)), read_folds(fetch(prepared.folds)), fetch)


def score_trial(spec: ScoreSpec, fetch: Callable[[File], Path]) -> tuple[float, Difference | None]:
    """Return macro-F1 of the vote of one trial on the people of some folds, and how it compares with the base there.

    Args:
        spec: The trial.
        fetch: Returns a local path with a file's bytes.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
    """
    manifest, folds = read_manifest(fetch(spec.prepared.manifest)), read_folds(fetch(spec.prepared.folds))
    train = train_rows(manifest)
    rows = train[pd.Series(held_out_folds(train["person"], folds), index=train.index).isin(spec.folds)]

    def voted(trial: Trial) -> Combination:
        some = tuple(one for one in trial.trained if one.fold in spec.folds)
        return _vote(trial.model_copy(update={"trained": some}), rows, folds, fetch)

    own = voted(spec.trial)
    if spec.base is None:
        return macro_f1(own.vote.true, own.vote.predicted, own.scheme.n_classes), None
    base = voted(spec.base)
    answers = {"base": [base.vote.predicted], "trial": [own.vote.predicted]}
    found = compare(own.train["person"], own.vote.true, answers, "base", own.scheme.n_classes)
    return found["trial"].score, found["trial"]


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
