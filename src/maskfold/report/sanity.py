"""Whether the submission is sane: the classes that it names, beside those of the training set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from maskfold.ensemble.combination import Combination
from maskfold.report.numbers import counted, percent
from maskfold.scheme import JOINT, FloatArray
from maskfold.specs.model import UNSURE

SHIFT: Final = 0.1
"""Share of answers in other classes than out-of-fold that is worth a word."""


@dataclass(frozen=True)
class ClassShare:
    """How often a class occurs."""

    name: str
    training: float
    """Share of the training labels."""
    out_of_fold: float
    """Share of the vote's answers for the training images."""
    submitted: float
    """Share of the submission."""


@dataclass(frozen=True)
class Sanity:
    """The submission beside the training set."""

    shares: dict[str, tuple[ClassShare, ...]]
    """By attribute; of a scheme with one attribute, the joint classes."""
    joint: tuple[ClassShare, ...]
    """Of the joint classes, where they are not in ``shares``."""
    unsure_training: float
    """Share of the out-of-fold answers that are unsure."""
    unsure_submitted: float
    prior: int
    """Images that got the prior."""
    said: tuple[str, ...]
    """What is worth a look."""


def sanity(combination: Combination) -> Sanity | None:
    """Return the comparison; None where there are no evaluation images."""
    if not len(combination.evaluation):
        return None
    vote, scheme = combination.vote, combination.scheme
    submitted = scheme.implied(JOINT, np.asarray(vote.evaluation.argmax(axis=1), dtype=np.int64))
    shares = {}
    for target, (true, predicted) in vote.answers.items():
        columns = [_shares(classes, scheme.size(target)) for classes in (true, predicted, submitted[target])]
        shares[target] = tuple(map(ClassShare, scheme.class_names(target), *map(np.ndarray.tolist, columns)))
    said = []
    for target in scheme.parts or (JOINT,):
        moved = sum(abs(one.submitted - one.out_of_fold) for one in shares[target]) / 2
        if moved > SHIFT:
            widest = max(shares[target], key=lambda one: abs(one.submitted - one.out_of_fold))
            called = "class" if target == JOINT else target
            said.append(
                f"{percent(moved)} of the submission names another {called} than the out-of-fold answers let expect: "
                f"{widest.name} {percent(widest.submitted)} of the submission, {percent(widest.out_of_fold)} "
                "out-of-fold. The evaluation images may differ from the training set, or be cropped otherwise."
            )
    unsure = [float((answers.max(axis=1) < UNSURE).mean()) for answers in (vote.oof, vote.evaluation)]
    if unsure[1] > unsure[0] + SHIFT:
        said.append(
            f"The vote is less sure of the evaluation images: {percent(unsure[1])} of the answers below one half, "
            f"{percent(unsure[0])} out-of-fold; the score may not carry over."
        )
    if combination.unreadable:
        said.append(f"{counted(len(combination.unreadable), 'image')} cannot be read and got the prior.")
    joint = shares.pop(JOINT) if scheme.parts else ()
    return Sanity(shares, joint, unsure[0], unsure[1], len(combination.unreadable), tuple(said))


def _shares(classes: np.ndarray[tuple[int], np.dtype[np.int64]] | FloatArray, size: int) -> FloatArray:
    return np.asarray(np.bincount(classes, minlength=size) / max(len(classes), 1), dtype=np.float64)
