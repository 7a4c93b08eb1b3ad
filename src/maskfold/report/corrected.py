"""What corrections changed: the labels, and the score against a run of the same recipe without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from maskfold.champions import Margin
from maskfold.dataset.manifest import read_manifest, train_rows
from maskfold.ensemble.combination import Combination
from maskfold.ensemble.comparison import compare, read_answers
from maskfold.ensemble.scores import macro_f1
from maskfold.scheme import Scheme
from maskfold.specs import EnsembleSpec, File

SHOWN: Final = 200
"""Corrected labels that the page lists; the table has all of them."""


@dataclass(frozen=True)
class Judged:
    """Both votes, scored on the same photographs and labels."""

    labels: str
    """Which, for people."""
    photographs: int
    before: float
    """Macro-F1 of the run without these corrections."""
    now: float
    margin: Margin
    """Difference, paired over people."""


@dataclass(frozen=True)
class CorrectionsEffect:
    """The corrections of a run."""

    source: str
    """Name of the corrections, as the recipe has it."""
    photographs: int
    people: int
    changes: pd.DataFrame
    """One row a label: image, person, attribute, before, now; ``before`` is empty without an earlier run."""
    run: str = ""
    """The earlier run; empty where the workspace has none."""
    judged: tuple[Judged, ...] = ()

    @classmethod
    def of(
        cls, spec: EnsembleSpec, combination: Combination, fetch: Callable[[File], Path]
    ) -> CorrectionsEffect | None:
        """Compare with the earlier run that the spec names; None if no label was corrected.

        Args:
            spec: The ensemble job's.
            combination: The vote.
            fetch: Returns a local path with a file's bytes.
        """
        corrected = combination.train[combination.train["corrected"]]
        source = spec.recipe.dataset.corrections or ""
        if not len(corrected):
            return None
        known = cls(
            source, len(corrected), corrected["person"].nunique(), _changes(corrected, None, combination.scheme)
        )
        if spec.earlier is None:
            return known
        manifest = train_rows(read_manifest(fetch(spec.earlier.manifest)))
        answers = read_answers(fetch(spec.earlier.oof))
        if set(manifest["image"]) != set(combination.train["image"]) or len(answers) != len(combination.train):
            return known
        changes = _changes(combination.train, manifest, combination.scheme)
        judged = _judged(combination, answers)
        return cls(source, changes["image"].nunique(), changes["person"].nunique(), changes, spec.earlier.run, judged)

    @property
    def scores(self) -> pd.DataFrame:
        """One row for each set of labels."""
        rows = [
            {
                "labels": one.labels,
                "photographs": one.photographs,
                "macro_f1_before": one.before,
                "macro_f1": one.now,
                "difference": one.margin.difference,
                "low": one.margin.low,
                "high": one.margin.high,
            }
            for one in self.judged
        ]
        return pd.DataFrame(rows)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is published, by name."""
        return {"corrected_labels": self.changes, **({"corrected_scores": self.scores} if self.judged else {})}


def _changes(now: pd.DataFrame, before: pd.DataFrame | None, scheme: Scheme) -> pd.DataFrame:
    """Return the labels that differ; all labels of the given photographs where nothing is known of before."""
    parts = []
    was = None if before is None else before.set_index("image").loc[now["image"]]
    for attribute in scheme.attributes:
        new = now[attribute.name].to_numpy()
        table = pd.DataFrame(
            {
                "image": now["image"].to_numpy(),
                "person": now["person"].to_numpy(),
                "attribute": attribute.name,
                "before": "" if was is None else [attribute.show(value) for value in was[attribute.name]],
                "now": [attribute.show(value) for value in new],
            }
        )
        parts.append(table if was is None else table[was[attribute.name].to_numpy() != new])
    changes: pd.DataFrame = pd.concat(parts)
    return changes.sort_values(["image", "attribute"], kind="stable", ignore_index=True)


def _judged(combination: Combination, answers: pd.DataFrame) -> tuple[Judged, ...]:
    vote, classes = combination.vote, combination.scheme.n_classes
    ours = pd.DataFrame(
        {
            "image": combination.train["image"].to_numpy(),
            "person": combination.train["person"].to_numpy(),
            "true_class": vote.true,
            "predicted_class": vote.predicted,
        }
    )
    theirs = answers.set_index("image").loc[ours["image"]].reset_index()
    old, new = theirs["true_class"].to_numpy(), ours["true_class"].to_numpy()
    same = old == new
    found = []
    for labels, true, chosen in (
        ("as they were", old, same | True),
        ("as corrected", new, same | True),
        ("that no correction changed", new, same),
    ):
        here, there = (one.assign(true_class=true)[chosen] for one in (ours, theirs))
        margin = compare(here, there, classes) if chosen.any() else None
        if margin is not None:
            before, now = (macro_f1(true[chosen], one["predicted_class"].to_numpy(), classes) for one in (there, here))
            found.append(Judged(labels, int(chosen.sum()), before, now, margin))
    return tuple(found)
