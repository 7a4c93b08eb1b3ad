"""The finished trainings of `quality.py`, read from the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from quality_holdout import ATTRIBUTE, HoldOut
from quality_material import Material, Trained
from quality_scores import Judged, out_of_fold
from quality_trainings import processor_seconds
from quality_variants import members

from maskfold.ensemble.vote import vote
from maskfold.launch import folder
from maskfold.scheme import JOINT, FloatArray
from maskfold.specs import TrainFoldOutcome


@dataclass(frozen=True)
class Results:
    """Finished trainings, read once."""

    made: dict[Trained, Material]
    holdout: Path | None
    _outcomes: dict[Trained, list[TrainFoldOutcome]] = field(default_factory=dict)
    _holdouts: dict[int, HoldOut] = field(default_factory=dict)

    def outcomes(self, one: Trained) -> list[TrainFoldOutcome]:
        """Return the outcomes of all folds; none unless all are there."""
        if one not in self._outcomes:
            specs, workspace = self.made[one].specs[one], self.made[one].workspace
            found = [folder.find_outcome(workspace, spec) for spec in specs]
            self._outcomes[one] = [outcome for outcome in found if outcome] if all(found) else []
        return self._outcomes[one]

    def trainings(self, subject: str, name: str, seed: int) -> list[Trained]:
        """Return the trainings of a variant; none unless all are done."""
        found = [(network, variant, seed) for network, variant in members(subject, name).items()]
        return found if all(self.outcomes(one) for one in found) else []

    def judged(self, trainings: Sequence[Trained], weights: Mapping[str, float]) -> Judged:
        """Return the out-of-fold answers; several networks vote with these weights."""
        voters = {}
        for one in trainings:
            target = self._target(one)
            size = self.made[one].recipe.scheme.size(target)
            voters[one[0]] = (target, out_of_fold(self.made[one], self.outcomes(one), size))
        return self._voted(trainings, voters, weights)

    def on_holdout(self, trainings: Sequence[Trained], weights: Mapping[str, float]) -> dict[str, float]:
        """Return the scores of photographed masks; none without a hold-out or a network that predicts masks."""
        if self.holdout is None or not {self._target(one) for one in trainings} & {JOINT, ATTRIBUTE}:
            return {}
        voters = {}
        for one in trainings:
            material = self.made[one]
            if id(material) not in self._holdouts:
                self._holdouts[id(material)] = HoldOut.make(self.holdout, material)
            photographs, outcomes = self._holdouts[id(material)], self.outcomes(one)
            said = [photographs.predict(*both) for both in zip(material.specs[one], outcomes, strict=True)]
            voters[one[0]] = (self._target(one), np.mean(said, axis=0))
        voted, scheme = self._voted(trainings, voters, weights), self.made[trainings[0]].recipe.scheme
        whole = voted.target == JOINT
        probabilities = scheme.marginals(voted.probabilities)[ATTRIBUTE] if whole else voted.probabilities
        return dict(self._holdouts[id(self.made[trainings[0]])].scores(probabilities))

    def seconds(self, trainings: Sequence[Trained]) -> float:
        """Return the processor time of all folds."""
        return sum(
            processor_seconds(self.made[one].workspace, spec) for one in trainings for spec in self.made[one].specs[one]
        )

    def _target(self, one: Trained) -> str:
        return self.made[one].specs[one][0].network.target

    def _voted(
        self,
        trainings: Sequence[Trained],
        voters: dict[str, tuple[str, FloatArray]],
        weights: Mapping[str, float],
    ) -> Judged:
        if len(voters) == 1:
            return Judged(*next(iter(voters.values())))
        return Judged(JOINT, vote(voters, weights, self.made[trainings[0]].recipe.scheme).probabilities)
