"""What the page says in words and tables: warnings, scores by fold, time by job."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from maskfold.ensemble.combination import Combination
from maskfold.report.numbers import counted, listed, percent, score
from maskfold.specs import EnsembleSpec, TrainOutcome
from maskfold.wording import first_few

CROP_GAP = 0.05
"""Difference between the shares of undetected faces that is worth a warning."""


@dataclass(frozen=True)
class JobTime:
    """One line of the timetable."""

    name: str
    seconds: float
    images_per_second: float | None
    note: str = ""


@dataclass(frozen=True)
class NetworkFacts:
    """One network over all its folds."""

    name: str
    target: str
    input: str
    backbone: str
    initial_weights: str
    """What was loaded, for people; several when folds differ."""
    device: str
    amp: str
    macro_f1: tuple[float, ...]
    """Of the target, fold by fold."""
    accuracy: tuple[float, ...]
    seconds: float
    """All folds together."""
    images_per_second: float
    """Median over the folds."""

    @property
    def mean(self) -> float:
        """Mean macro-F1 over the folds."""
        return statistics.fmean(self.macro_f1)

    @property
    def spread(self) -> float | None:
        """Standard deviation of macro-F1 over the folds (n - 1); none with one fold."""
        return statistics.stdev(self.macro_f1) if len(self.macro_f1) > 1 else None


def warnings(spec: EnsembleSpec, combination: Combination) -> list[str]:
    """Return what limits the trust in the numbers, besides the warnings of ``prepare``."""
    found, scheme = [], combination.scheme
    names, n_classes = scheme.class_names(), scheme.n_classes
    if combination.unreadable:
        likely, count = int(combination.prior.argmax()), len(combination.unreadable)
        found.append(
            f"{counted(count, 'evaluation image')} cannot be read; predicted as the most frequent class, "
            f"{likely} ({names[likely]}): {first_few(combination.unreadable)}"
        )
    absent = [names[number] for number in np.flatnonzero(combination.prior == 0)]
    if absent:
        best = (n_classes - len(absent)) / n_classes
        found.append(
            f"{len(absent)} of {n_classes} classes never occur in training, so macro-F1 over all of them cannot "
            f"exceed {score(best)}: {first_few(absent, limit=20)}"
        )
    train, evaluation = spec.cropped.fallback_share_train, spec.cropped.fallback_share_eval
    if spec.prepared.n_eval and abs(train - evaluation) > CROP_GAP:
        found.append(
            f"faces without a detection: {percent(train)} of the training but {percent(evaluation)} of the "
            "evaluation images; out-of-fold scores may not carry over"
        )
    return found


def network_facts(spec: EnsembleSpec) -> list[NetworkFacts]:
    """Return the networks in the recipe's order."""
    facts = []
    for network in spec.recipe.networks:
        folds = sorted((one for one in spec.trained if one.network == network.name), key=lambda one: one.fold)
        facts.append(
            NetworkFacts(
                name=network.name,
                target=network.target,
                input=network.input,
                backbone=network.backbone,
                initial_weights=_distinct([one.initial_weights for one in folds]),
                device=_distinct([one.device for one in folds]),
                amp=_distinct([one.amp for one in folds]),
                macro_f1=tuple(one.macro_f1 for one in folds),
                accuracy=tuple(one.accuracy for one in folds),
                seconds=sum(one.seconds for one in folds),
                images_per_second=statistics.median(one.images_per_second for one in folds),
            )
        )
    return facts


def job_times(spec: EnsembleSpec) -> list[JobTime]:
    """Return the finished jobs in the order of the pipeline."""
    prepared, cropped = spec.prepared, spec.cropped
    images = prepared.n_train + prepared.n_eval + prepared.n_external
    times = [
        JobTime("prepare", prepared.seconds, images / prepared.seconds if prepared.seconds > 0 else None),
        JobTime("crop", cropped.seconds, cropped.images_per_second),
    ]
    for network in spec.recipe.networks:
        folds = sorted((one for one in spec.trained if one.network == network.name), key=lambda one: one.fold)
        times.append(_together(f"train_fold {network.name}, {counted(len(folds), 'fold')}", folds))
    times += [_together(f"train_all {last.network}", [last]) for last in spec.final]
    times += [JobTime(f"predict_eval {one.network}", one.seconds, one.images_per_second) for one in spec.evaluated]
    return times


def _together(name: str, jobs: Sequence[TrainOutcome]) -> JobTime:
    """Return one line for the trainings of a network, as they differ in little."""
    epochs = _distinct([str(len(one.history)) for one in jobs], " or ")
    note = f"{epochs} epoch{'s' * (epochs != '1')}, kept {listed([one.best_epoch + 1 for one in jobs])}"
    for number, one in enumerate(jobs, start=1):
        if one.resumed_from_epoch is not None:
            which = f"fold {number} " if len(jobs) > 1 else ""
            note += f"; {which}resumed after an interruption, from epoch {one.resumed_from_epoch + 1}"
    speed = statistics.median(one.images_per_second for one in jobs)
    return JobTime(name, sum(one.seconds for one in jobs), speed, note)


def _distinct(texts: list[str], separator: str = "; ") -> str:
    return separator.join(dict.fromkeys(texts))


_SETTINGS: Final[dict[str, Callable[[NetworkFacts], str]]] = {
    "backbone": lambda one: one.backbone,
    "sees": lambda one: one.input,
    "initial weights": lambda one: one.initial_weights,
    "device": lambda one: f"{one.device}, amp {one.amp}",
}


def settings_of(networks: Sequence[NetworkFacts]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return what all networks have in common, and what each of them has where they differ, both by title."""
    common, differing = {}, {}
    for title, read in _SETTINGS.items():
        values = [read(one) for one in networks]
        if len(set(values)) == 1:
            common[title] = values[0]
        else:
            differing[title] = values
    return common, differing
