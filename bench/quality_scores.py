"""Scores of `quality.py`: out-of-fold, on two halves of the people, each variant against its base, paired.

Variants are chosen on half A and reported on half B. A score is the mean over seeds; a difference is the mean over the
seeds that both have, with the interval of the bootstrap over the half's people.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from quality_material import Material, lot

from maskfold.dataset import train_rows
from maskfold.dataset.frame import read_frame
from maskfold.ensemble.bootstrap import Answers, interval, resample
from maskfold.ensemble.scores import macro_f1
from maskfold.scheme import JOINT, FloatArray, IntArray, Scheme
from maskfold.specs import TrainFoldOutcome

HALVES = ("A", "B")


def out_of_fold(material: Material, outcomes: Sequence[TrainFoldOutcome], size: int) -> FloatArray:
    """Return the probabilities of every training image from the fold that held it out, in the manifest's order."""
    tables = [
        read_frame(material.workspace.fetch(one.predictions), "predictions", {"image": "str"}) for one in outcomes
    ]
    both = pd.concat(tables).set_index("image", verify_integrity=True)
    wanted = both.loc[train_rows(material.manifest)["image"], [f"p{number}" for number in range(size)]]
    return np.asarray(wanted.to_numpy(dtype=np.float64))


@dataclass(frozen=True)
class Judged:
    """The answers of a variant with one seed."""

    target: str
    probabilities: FloatArray
    """(N, classes of the target)."""

    @property
    def answers(self) -> IntArray:
        """(N,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class Truth:
    """What is known of the training images."""

    material: Material

    @cached_property
    def table(self) -> pd.DataFrame:
        """The training images."""
        return train_rows(self.material.manifest)

    @property
    def scheme(self) -> Scheme:
        """What the labels are."""
        return self.material.recipe.scheme

    def classes(self, target: str) -> IntArray:
        """Return the true classes of a target, (N,)."""
        return self.scheme.column(self.scheme.labels(self.table), target)

    def half(self, name: str) -> NDArray[np.bool_]:
        """Return which images are of a half's people, (N,); `` `` means all of them."""
        if name not in HALVES:
            return np.ones(len(self.table), dtype=bool)
        side = self.table["person"].map(lambda person: HALVES[lot(person, "half") % 2])
        return np.asarray(side == name)

    def score(self, judged: Judged, half: str = "") -> float:
        """Return the macro-F1 of one seed."""
        kept = self.half(half)
        size = self.scheme.size(judged.target)
        return macro_f1(self.classes(judged.target)[kept], judged.answers[kept], size)

    def accuracy(self, judged: Judged) -> float:
        """Return the share of right answers."""
        return float((self.classes(judged.target) == judged.answers).mean())

    def attributes(self, judged: Judged) -> Mapping[str, float]:
        """Return the macro-F1 of each attribute of joint answers."""
        if judged.target != JOINT:
            return {}
        true = self.scheme.implied(JOINT, self.classes(JOINT))
        said = self.scheme.implied(JOINT, judged.answers)
        return {name: macro_f1(true[name], said[name], self.scheme.size(name)) for name in self.scheme.parts}

    def difference(self, ours: Sequence[Judged], base: Sequence[Judged], half: str = "") -> tuple[float, float, float]:
        """Return by how much the macro-F1 is higher than the base's, seed by seed, and its 95 % interval."""
        kept, target = self.half(half), ours[0].target
        size, true = self.scheme.size(target), self.classes(target)[kept]
        answers = [Answers(true, one.answers[kept], size) for one in (*ours, *base)]
        sampled = [one.macro_f1 for one in resample(self.table["person"][kept], answers)]
        differences = np.mean(sampled[: len(ours)], axis=0) - np.mean(sampled[len(ours) :], axis=0)
        here, there = (statistics.fmean(self.score(one, half) for one in some) for some in (ours, base))
        return here - there, *interval(differences)


def mean_and_spread(values: Sequence[float]) -> str:
    """Return the mean over seeds, and their standard deviation where there are several."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{spread}"


def shown(difference: tuple[float, float, float]) -> str:
    """Return a difference with its interval; one that 0 is in is called noise."""
    middle, low, high = difference
    return f"{middle:+.3f} [{low:+.3f}, {high:+.3f}]" + (" noise" if low <= 0 <= high else "")
