"""Where the vote is good and where it is not: by class, and on the photographs of each class of an attribute."""

from __future__ import annotations

import numpy as np

from maskfold.ensemble.combination import Combination
from maskfold.ensemble.scores import confusion
from maskfold.scheme import JOINT
from maskfold.specs.model import ClassScore, SliceScore


def class_scores(combination: Combination) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of every class of every target; 0 where they have nothing to count."""
    scheme, found = combination.scheme, list[ClassScore]()
    for target, (true, predicted) in combination.vote.answers.items():
        counts = confusion(true, predicted, scheme.size(target))
        hits, there, claimed = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
        for number, name in enumerate(scheme.class_names(target)):
            found.append(
                ClassScore(
                    target=target,
                    name=name,
                    images=int(there[number]),
                    precision=_ratio(hits[number], claimed[number]),
                    recall=_ratio(hits[number], there[number]),
                    f1=_ratio(2 * hits[number], there[number] + claimed[number]),
                )
            )
    return tuple(found)


def slice_scores(combination: Combination) -> tuple[SliceScore, ...]:
    """Return the accuracy of all answers on the photographs of each class of each attribute that occurs."""
    scheme, answers = combination.scheme, combination.vote.answers
    labels = scheme.decode(answers[JOINT][0])
    found = []
    for place, attribute in enumerate(scheme.attributes):
        for number, name in enumerate(attribute.class_names):
            chosen = np.flatnonzero(labels[:, place] == number)
            if len(chosen):
                accuracy = {
                    target: float((true[chosen] == predicted[chosen]).mean())
                    for target, (true, predicted) in answers.items()
                }
                found.append(SliceScore(attribute=attribute.name, name=name, images=len(chosen), accuracy=accuracy))
    return tuple(found)


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
