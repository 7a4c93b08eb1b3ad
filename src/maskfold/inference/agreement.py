"""How often answers agree with labels that the user has."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from maskfold.ensemble.bootstrap import Answers, interval, resample
from maskfold.ensemble.scores import macro_f1
from maskfold.errors import InputError
from maskfold.given_labels import GivenLabels
from maskfold.inference.joining import Piece
from maskfold.inference.tally import classes_of
from maskfold.scheme import JOINT, UNKNOWN, Scheme
from maskfold.specs import TargetScore


@dataclass
class Agreement:
    """Collects the answers for labelled photographs; those for unreadable ones count, as in a submission."""

    given: GivenLabels
    scheme: Scheme
    rows: list[int] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """Look for labels of some answers."""
        for name, number in zip(piece.table["image"].tolist(), classes_of(piece.table).tolist(), strict=True):
            row = self.given.rows.get(name)
            if row is not None:
                self.rows.append(row)
                self.classes.append(number)

    def scores(self) -> tuple[TargetScore, ...]:
        """Return the scores of the joint class, as far as it is known, and of each attribute.

        Raises:
            InputError: If no photograph has a label.
        """
        if not self.rows:
            raise InputError("no photograph has a label: the column image must name them as the answers do")
        labels = self.given.labels[self.rows]
        persons = np.array(self.given.persons)[self.rows]
        answers = np.array(self.classes, dtype=np.int64)
        found = []
        for target in (JOINT, *self.scheme.parts):
            members = [self.scheme.names.index(one.name) for one in self.scheme.members(target)]
            known = (labels[:, members] != UNKNOWN).all(axis=1)
            if known.any():
                true = self.scheme.column(labels[known], target)
                predicted = self.scheme.implied(JOINT, answers[known])[target]
                found.append(_score(target, Answers(true, predicted, self.scheme.size(target)), persons[known]))
        return tuple(found)


def _score(target: str, answers: Answers, persons: np.ndarray[tuple[int], np.dtype[np.str_]]) -> TargetScore:
    (drawn,) = resample(persons, [answers])
    low, high = interval(drawn.accuracy)
    f1_low, f1_high = interval(drawn.macro_f1)
    return TargetScore(
        target=target,
        photographs=len(answers.true),
        accuracy=float((answers.true == answers.predicted).mean()),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=macro_f1(answers.true, answers.predicted, answers.size),
        macro_f1_low=f1_low,
        macro_f1_high=f1_high,
    )
