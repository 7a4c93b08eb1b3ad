"""All figures of a run, in reading order."""

from __future__ import annotations

from maskfold.ensemble.combination import Combination
from maskfold.recipe import Recipe
from maskfold.report import classes, confusion, groups, learning, rates, voters
from maskfold.report.figure import Figure
from maskfold.specs import TrainFoldOutcome


def run_figures(recipe: Recipe, combination: Combination, trained: tuple[TrainFoldOutcome, ...]) -> list[Figure]:
    """Return the figures of a run, without those that would show too many classes."""
    folds: dict[str, learning.FoldOutcomes] = {
        network.name: [outcome for outcome in trained if outcome.network == network.name] for network in recipe.networks
    }
    numeric = [one for one in combination.scheme.attributes if one.is_number and one.size <= groups.MOST]
    return [
        voters.figure(combination),
        *confusion.figures(combination.vote),
        classes.figure(combination),
        *(groups.figure(combination, attribute) for attribute in numeric),
        learning.figure(folds),
        rates.figure(recipe.networks, {name: outcomes[0].steps_per_epoch for name, outcomes in folds.items()}),
    ]
