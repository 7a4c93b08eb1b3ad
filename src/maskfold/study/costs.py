"""How long a portfolio takes on this machine: a pure function of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Size = tuple[int, int]
"""Height and width in pixels."""

LOOP: Final = 0.93
"""A training's images a second, as a share of the bare step's; see ``bench/RESULTS.md``."""
TRAINING_S: Final = 2.0
"""Seconds of a training beside its steps: tables, packed images, the first batch, files that it leaves."""
VOTE_S: Final = 8.0
"""Seconds of vote, report and model package of a small data set."""
VOTED_PER_SECOND: Final = 4_000.0
"""Photographs times voters that vote, report and model package take a second for, about."""
SCORE_S: Final = 3.0
"""Seconds in which a trial is asked for, and scored."""
KEPT: Final = 0.85
"""Share of a search's trainings that are done: hopeless trials end after their first fold."""
CONFIRMED: Final = 2 / 3
"""Time for confirmation, as a share of that for the search: 40 % of both together."""
SEEDS: Final = 2
"""Fresh seeds of a confirmation."""
MOST_CANDIDATES: Final = 4
SEARCHING: Final = "search and confirmation"
"""Name of that part of the work."""


@dataclass(frozen=True)
class Rate:
    """One network at one size, as measured."""

    backbone: str
    size: Size
    images_per_second: float
    """Of one training; as many go on side by side as there are places."""
    predicted_per_second: float
    start: float
    """Seconds until its first step is done."""
    pretrained: bool
    """Whether there are weights to start from."""


@dataclass(frozen=True)
class Facts:
    """What is known of the data set and of the machine."""

    n_train: int
    n_eval: int
    parts: tuple[float, ...]
    """Epochs of the networks of single attributes, as shares of the joint network's."""
    places: int
    """Trainings side by side."""
    job: float
    """Seconds until a job runs."""
    before: float
    """Seconds that looking and measuring took."""
    prepared_k: int
    """Number of folds with which the data set has been read."""
    prepare: float
    """Seconds in which it is read again for another number of folds."""
    crop_start: float
    crops_per_second: float
    face_height: float
    """Median height of the faces, in pixels: a larger input shows nothing more."""
    k: int | None
    """Number of folds, where it is given."""
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class Training:
    """One network on one fold."""

    seconds: float
    images: float
    """Shown in all epochs."""


def training(facts: Facts, rate: Rate, epochs: int, k: int) -> Training:
    """Return what a network takes on one fold."""
    shown = epochs * facts.n_train * (k - 1) / k
    checked = (epochs + 1) * facts.n_train / k  # after each epoch, and once for its predictions
    seconds = shown / (LOOP * rate.images_per_second) + checked / rate.predicted_per_second
    return Training(seconds + rate.start + TRAINING_S + facts.job, shown)


def side_by_side(seconds: Sequence[float], places: int) -> float:
    """Return the longest time that jobs can take which are started one after the other, wherever a place is free.

    Graham, R. L. (1969). Bounds on Multiprocessing Timing Anomalies. SIAM Journal on Applied Mathematics 17.
    """
    if not seconds:
        return 0.0
    return sum(seconds) / places + (1 - 1 / places) * max(seconds)


def cropping(facts: Facts, k: int) -> float:
    """Return the seconds before all trainings: faces are cut out, networks tried out, people put into ``k`` folds."""
    again = facts.prepare if k != facts.prepared_k else 0.0
    photographs = facts.n_train + facts.n_eval
    return again + 2 * facts.job + TRAINING_S + facts.crop_start + photographs / facts.crops_per_second


def predicting(facts: Facts, rate: Rate, k: int) -> float:
    """Return the seconds in which all trainings of a network answer for the evaluation images."""
    if not facts.n_eval:
        return 0.0
    return facts.job + rate.start + facts.n_eval * k / (rate.predicted_per_second * facts.places)


def voting(facts: Facts, networks: int) -> float:
    """Return the seconds of selection, vote, report and model package."""
    voted = (facts.n_train + facts.n_eval) * (networks + 2)
    return 4 * facts.job + VOTE_S + voted / VOTED_PER_SECOND


def confirmed_by(trials: int) -> int:
    """Return how many of the best trials a confirmation trains with fresh seeds, beside the recipe as it is."""
    return min(MOST_CANDIDATES, max(1, int(trials * CONFIRMED / SEEDS) - 1)) if trials else 0


def searching(facts: Facts, trial: Sequence[float], trials: int) -> float:
    """Return the seconds of a search, without those of the recipe as it is, which is trained anyway.

    Args:
        facts: What was measured.
        trial: Seconds of the trainings of one trial.
        trials: How many.
    """
    if not trials:
        return 0.0
    whole = sum(trial) / facts.places
    scored = SCORE_S + 3 * facts.job
    searched = trials * (KEPT * whole + scored / min(2, facts.places)) + max(trial)
    return searched + confirmed_by(trials) * SEEDS * whole + max(trial) + scored
