"""What to try next: rules that read the numbers of a run, each with the settings that address what it finds.

Settings stand between backticks, as they are given to ``--set``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from maskfold.ensemble.combination import VOTE, Combination
from maskfold.ensemble.scores import f1_by_class, macro_f1
from maskfold.recipe import Network
from maskfold.report.numbers import counted, listed, percent, score
from maskfold.report.verdict import verdict
from maskfold.scheme import JOINT
from maskfold.specs import EnsembleSpec, FaceShares, TrainFoldOutcome
from maskfold.wording import first_few

MOST: Final = 5
"""Sentences on the page."""
FEW_PEOPLE: Final = 30
"""A class with fewer people is small: its F1 has an interval of some 0.3."""
RISE: Final = 0.1
"""Rise of the validation loss above its lowest value, as a share, that counts as overfitting."""
GAP: Final = 1.5
"""Validation loss as a multiple of the training loss that counts as overfitting, where it no longer falls."""
SOLVED: Final = 0.95
"""Macro-F1 from which on it does not matter."""
STILL_LEARNING: Final = 0.01
"""Gain of macro-F1 in the last quarter of the epochs that counts as underfitting."""
LOST: Final = 0.02
"""Share of photographs without a face that is worth a sentence."""


def advice(spec: EnsembleSpec, combination: Combination, faces: Sequence[FaceShares]) -> list[str]:
    """Return two to five sentences, the most important first.

    Args:
        spec: Recipe and outcomes of the trainings.
        combination: The vote.
        faces: How faces were found, by group of photographs.
    """
    found = [
        *vote_that_hurts(combination),
        *costliest_attribute(spec, combination),
        *learning(spec),
        *lost_faces(spec, faces),
        *small_classes(spec, combination),
    ][: MOST - 1]
    return [*found, what_counts(combination)]


def vote_that_hurts(combination: Combination) -> Iterator[str]:
    """Say when a voter alone is better than the vote, beyond chance."""
    found = verdict(combination)
    if found is not None and found.hurts:
        yield f"Hand in {found.best} alone, {-found.gain:.3f} above the vote: {found.advice}."


def costliest_attribute(spec: EnsembleSpec, combination: Combination) -> Iterator[str]:
    """Name the attribute that costs most macro-F1, by answers in which it alone is put right."""
    vote, scheme = combination.vote, combination.scheme
    if not scheme.parts:
        yield from _costliest_class(combination)
        return
    now = macro_f1(vote.true, vote.predicted, scheme.n_classes)
    true, predicted = scheme.decode(vote.true), scheme.decode(vote.predicted)
    gains = {}
    for place, name in enumerate(scheme.names):
        mended = predicted.copy()
        mended[:, place] = true[:, place]
        gains[name] = macro_f1(vote.true, scheme.encode(mended), scheme.n_classes) - now
    name = max(gains, key=lambda one: gains[one])
    if gains[name] <= 0:
        return
    others = [f"{other} {max(gain, 0):.3f}" for other, gain in gains.items() if other != name]
    text = f"Most is lost on {name}: always right, it would raise macro-F1 by {gains[name]:.3f} ({', '.join(others)})"
    settings = _for_attribute(spec, name)
    yield f"{text}; try {settings}." if settings else f"{text}."


def _for_attribute(spec: EnsembleSpec, name: str) -> str:
    """Return settings for an attribute, without those that the recipe has."""
    attribute = spec.recipe.scheme[name]
    own = [network for network in spec.recipe.networks if network.target == name]
    if not own:
        return f"networks of their own for each attribute, such as one with `target={name}`"
    tried = own[0]
    settings = []
    if attribute.of == "person" and all(network.input == "face" for network in own):
        settings.append(f"`networks.{tried.name}.input=portrait`")
    if attribute.is_number and not any(network.binning.get(name) for network in own):
        bound = attribute.bounds[-1]
        settings.append(f"`networks.{tried.name}.binning.{name}.leave_out=[[{bound - 3:g},{bound - 1:g}]]`")
    if all(network.sampler == "uniform" for network in own):
        settings.append(f"`networks.{tried.name}.sampler=balanced`")
    return listed(settings[:2]) if settings else f"a larger backbone for {tried.name}"


def _costliest_class(combination: Combination) -> Iterator[str]:
    vote, names = combination.vote, combination.scheme.class_names()
    scores = f1_by_class(vote.true, vote.predicted, len(names))
    there = np.flatnonzero(np.bincount(vote.true, minlength=len(names)))
    lowest = int(there[scores[there].argmin()])
    if scores[lowest] < 1:
        said = f"its F1 is {score(scores[lowest])}, the mean {score(scores.mean())}"
        yield f"Most is lost on the class {names[lowest]}: {said}."


@dataclass(frozen=True)
class Curve:
    """How a network learns, as the mean over its folds at each epoch that all of them reached."""

    train_loss: tuple[float, ...]
    valid_loss: tuple[float, ...]
    macro_f1: tuple[float, ...]

    @classmethod
    def of(cls, folds: Sequence[TrainFoldOutcome]) -> Curve:
        """Average the folds of one network."""
        epochs = list(zip(*(fold.history for fold in folds), strict=False))

        def mean(name: str) -> tuple[float, ...]:
            rows = [[getattr(record, name) for record in records] for records in epochs]
            return tuple(float(np.mean(row)) for row in rows if None not in row)

        return cls(mean("train_loss"), mean("valid_loss"), mean("valid_macro_f1"))

    @property
    def overfitting(self) -> str:
        """How it overfits, in words; empty if it does not.

        The validation loss rises by :data:`RISE` above its lowest value; or it is :data:`GAP` times the training loss,
        and no longer falls, while the score is below :data:`SOLVED`.
        """
        if len(self.valid_loss) < 3:
            return ""
        lowest, half = int(np.argmin(self.valid_loss)), len(self.valid_loss) // 2
        last, trained = self.valid_loss[-1], self.train_loss[-1]
        if last > (1 + RISE) * self.valid_loss[lowest]:
            return f"validation loss rises from epoch {lowest + 1} of {len(self.valid_loss)} on"
        stands = min(self.valid_loss[half:]) > 0.95 * min(self.valid_loss[:half])
        if stands and last > GAP * trained and self.macro_f1[-1] < SOLVED:
            return f"validation loss stays at {last:.2f}, training loss falls to {trained:.2f}"
        return ""

    @property
    def late_gain(self) -> float:
        """How much macro-F1 rose in the last quarter of the epochs; 0 where there are fewer than three."""
        if len(self.macro_f1) < 3:
            return 0.0
        quarter = max(1, len(self.macro_f1) // 4)
        return self.macro_f1[-1] - max(self.macro_f1[:-quarter])


def learning(spec: EnsembleSpec) -> Iterator[str]:
    """Say which networks overfit, and which still learn at their end."""
    over, under = [], []
    for network in spec.recipe.networks:
        curve = Curve.of([fold for fold in spec.trained if fold.network == network.name])
        if curve.overfitting:
            over.append((network, curve.overfitting))
        elif curve.late_gain >= STILL_LEARNING and network.stopping.patience is None:
            under.append((network, curve.late_gain))
    if over:
        said = first_few([f"{network.name} ({how})" for network, how in over], 4)
        yield f"Overfitting: {said}; try {_against_overfitting([one for one, _ in over])}."
    if under:
        said = first_few([f"{network.name} gained {gain:.3f}" for network, gain in under], 4)
        first = under[0][0]
        name = "*" if len(under) == len(spec.recipe.networks) and len(under) > 1 else first.name
        more = f"`networks.{name}.epochs={max(network.epochs for network, _ in under) * 2}`"
        yield f"Underfitting, macro-F1 still rises at the end: {said} in the last quarter of the epochs; try {more}."


def _against_overfitting(networks: Sequence[Network]) -> str:
    first = networks[0]
    settings = []
    if first.augmentation.preset not in ("strong", "hot6"):
        settings.append(f"`networks.{first.name}.augmentation=strong`")
    if first.loss.name == "cross-entropy":
        settings.append(f"`networks.{first.name}.loss.name=label-smoothing`")
    settings.append(f"`networks.{first.name}.optimizer.weight_decay={max(2 * first.optimizer.weight_decay, 0.01):g}`")
    return listed(settings[:2])


def lost_faces(spec: EnsembleSpec, faces: Sequence[FaceShares]) -> Iterator[str]:
    """Name the group of photographs in which most faces are not found."""
    groups = [group for group in faces if group.images and group.fallback / group.images > LOST]
    if not groups:
        return
    worst = max(groups, key=lambda group: group.fallback / group.images)
    lower = round(spec.recipe.crop.min_probability - 0.2, 2)
    settings = [f"`crop.min_probability={lower:g}`"] if lower > 0 else []
    if all(network.input == "face" for network in spec.recipe.networks):
        settings.append("`networks.*.input=portrait`")
    share = percent(worst.fallback / worst.images)
    text = f"No face was found in {share} of the photographs of {worst.group}"
    yield f"{text}; try {' or '.join(settings)}." if settings else f"{text}; look at their crops below."


def small_classes(spec: EnsembleSpec, combination: Combination) -> Iterator[str]:
    """Name classes of too few people with an F1 below the mean."""
    vote, names = combination.vote, combination.scheme.class_names()
    scores = f1_by_class(vote.true, vote.predicted, len(names))
    pairs = {(person, number) for person, number in zip(combination.train["person"], vote.true.tolist(), strict=True)}
    people = np.bincount([number for _, number in pairs], minlength=len(names))
    small = [int(one) for one in np.argsort(people, kind="stable") if 0 < people[one] < FEW_PEOPLE]
    small = [one for one in small if scores[one] < scores.mean()]
    if not small:
        return
    said = first_few([f"{names[one]} ({people[one]}, F1 {scores[one]:.2f})" for one in small], 3)
    joint = [network for network in spec.recipe.networks if network.target == JOINT and network.sampler == "uniform"]
    setting = (
        f"`networks.{joint[0].name}.sampler=balanced`" if joint else "more photographs of them with `dataset.external`"
    )
    number = counted(len(small), "class", "classes")
    yield f"{number} of fewer than {FEW_PEOPLE} people pull the mean down: {said}; try {setting}."


def what_counts(combination: Combination) -> str:
    """Say how large a difference must be to be seen."""
    scores = combination.scores[VOTE]
    people = combination.train["person"].nunique()
    whom = "people" if people < len(combination.train) else "photographs"
    low, high = scores.macro_f1_low or 0.0, scores.macro_f1_high or 0.0
    return (
        f"On {people:,} {whom} the score is known to ±{(high - low) / 2:.3f} ({score(low)}–{score(high)}): "
        "a run that differs by less may differ by chance."
    )
