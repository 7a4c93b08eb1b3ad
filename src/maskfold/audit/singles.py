"""Single photographs whose label the networks do not believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

import numpy as np

from maskfold.audit.evidence import Evidence
from maskfold.audit.people import FARTHEST, KNOWN
from maskfold.audit.suspect import LISTED, Change, Suspect

_COMMON: Final = 0.9
"""Share of the people with the same set of labels from which on that is taken for a rule of the data set."""


def single_suspects(evidence: Evidence, swapped: Collection[str]) -> list[Suspect]:
    """Return photographs with an attribute that is probably another one.

    The certainty is the self-confidence of the label, as minus its log-probability: for classes that are hard to tell
    apart, that ranks better than the margin between suggestion and label. Where all people have the same set of labels,
    a single one cannot be wrong without another one, so that its suspects are only hints.

    Args:
        evidence: Labels and probabilities.
        swapped: Images that another suspicion explains.
    """
    found = []
    for attribute in evidence.scheme.of("photograph"):
        labels, logs = evidence.column(attribute.name), evidence.logs[attribute.name]
        said = logs.argmax(axis=1)
        everyone = np.arange(len(labels))
        doubt = -logs[everyone, labels]
        weak = float((said == labels).mean()) < KNOWN or _has_a_fixed_set(evidence, attribute.name)
        chosen = [row for row in np.argsort(-doubt, kind="stable") if said[row] != labels[row] and doubt[row] > LISTED]
        chosen = [row for row in chosen if evidence.images[row] not in swapped]
        for row in chosen[:FARTHEST] if weak else chosen:
            image = str(evidence.images[row])
            change = Change(image, attribute.name, int(labels[row]), int(said[row]))
            found.append(
                Suspect("one photograph", str(evidence.persons[row]), (image,), (change,), float(doubt[row]), weak)
            )
    return found


def _has_a_fixed_set(evidence: Evidence, attribute: str) -> bool:
    """Say whether people have the same labels of an attribute, in any order."""
    labels = evidence.column(attribute)
    sets = Counter(tuple(sorted(labels[rows].tolist())) for rows in evidence.rows_of.values())
    [(usual, count)] = sets.most_common(1)
    return len(set(usual)) > 1 and count >= _COMMON * len(evidence.rows_of)
