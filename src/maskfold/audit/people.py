"""Attributes of a person that all photographs of the person contradict.

The evidence is the mean log-probability over a person's photographs, so that one bad photograph decides little. Judging
labels by networks that were trained without them is the idea of confident learning: Northcutt, C., Jiang, L. and
Chuang, I. (2021). Confident learning: estimating uncertainty in dataset labels. JAIR 70, section 3.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from maskfold.audit.evidence import Evidence
from maskfold.audit.suspect import LISTED, Change, Suspect
from maskfold.scheme import Attribute

KNOWN: Final = 0.8
"""Share of the people of whom the networks must know an attribute for its suspects to be more than a hint."""
FARTHEST: Final = 10
"""Suspects of an attribute that the networks know less well, at most."""
_LIKE_TWO: Final = 2.0
"""A person's photographs are alike, so that seven are not seven times the evidence of one; they count as two, and so
like a swap, which moves two."""


def person_suspects(evidence: Evidence) -> list[Suspect]:
    """Return people with an attribute that is probably another one.

    The certainty is twice the mean difference of the log-probabilities of suggestion and label.
    """
    found = []
    for attribute in evidence.scheme.of("person"):
        found += _of_attribute(evidence, attribute)
    return found


def _of_attribute(evidence: Evidence, attribute: Attribute) -> list[Suspect]:
    labels, logs = evidence.column(attribute.name), evidence.logs[attribute.name]
    people = list(evidence.rows_of)
    pooled = np.stack([logs[evidence.rows_of[person]].mean(axis=0) for person in people])
    stated = np.array([labels[evidence.rows_of[person][0]] for person in people])
    said = pooled.argmax(axis=1)
    everyone = np.arange(len(people))
    gains = _LIKE_TWO * (pooled[everyone, said] - pooled[everyone, stated])
    known = float((said == stated).mean()) >= KNOWN
    if known:
        chosen = np.flatnonzero(gains > LISTED)
    else:
        distance = np.abs(said - stated) if attribute.is_number else (said != stated).astype(np.int64)
        order = np.lexsort((-gains, -distance))
        # Of groups of a number only the farthest ones: neighbours are what networks take for each other anyway.
        least = 2 if attribute.is_number and attribute.size > 2 else 1
        chosen = order[(distance[order] >= least) & (gains[order] > LISTED)][:FARTHEST]
    return [
        _suspect(evidence, people[one], attribute.name, int(said[one]), float(gains[one]), not known) for one in chosen
    ]


def _suspect(evidence: Evidence, person: str, attribute: str, said: int, gain: float, weak: bool) -> Suspect:
    rows = evidence.rows_of[person]
    labels = evidence.column(attribute)
    changes = tuple(Change(str(evidence.images[row]), attribute, int(labels[row]), said) for row in rows)
    images = tuple(str(evidence.images[row]) for row in rows)
    return Suspect("attribute of a person", person, images, changes, gain, weak)
