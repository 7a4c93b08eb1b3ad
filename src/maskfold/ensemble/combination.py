"""All networks together: from their prediction tables to voters with answers and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from maskfold.dataset.folds import held_out_folds
from maskfold.dataset.manifest import eval_rows, train_rows
from maskfold.ensemble.oof import FloatArray, NetworkPredictions, assemble
from maskfold.ensemble.scores import score
from maskfold.ensemble.submission import class_prior, with_prior
from maskfold.ensemble.vote import PRODUCT, mean_of_trainings, vote
from maskfold.errors import InvariantError
from maskfold.labels import IntArray, Target, age_group, decode, encode
from maskfold.recipe import Recipe
from maskfold.specs import Scores

VOTE = "vote"
"""Name of the vote among the voters."""


@dataclass(frozen=True)
class FoldTable:
    """What one trained network predicted."""

    network: str
    fold: int
    table: pd.DataFrame
    """image, part ("valid" | "eval"), fold, p0 .. p<classes-1>."""


@dataclass(frozen=True)
class Voter:
    """A network, the product of the attribute networks, or the vote."""

    name: str
    target: Target
    oof: FloatArray
    """(training images, classes): out-of-fold probabilities."""
    evaluation: FloatArray
    """(evaluation images, classes): mean over the trainings."""
    true: IntArray
    """(training images,): true classes of the target."""

    @cached_property
    def predicted(self) -> IntArray:
        """(training images,): the most probable class; the first one of equals."""
        return np.asarray(self.oof.argmax(axis=1), dtype=np.int64)

    @cached_property
    def scores(self) -> Scores:
        """Out-of-fold scores on the whole training set."""
        return score(self.target, self.true, self.predicted)


@dataclass(frozen=True)
class Combination:
    """Everything the ensemble knows, in the manifest's order."""

    train: pd.DataFrame
    """The manifest's training rows, plus ``fold`` and ``true_class``."""
    evaluation: pd.DataFrame
    """The manifest's evaluation rows."""
    voters: tuple[Voter, ...]
    """Networks in the recipe's order, then ``attributes`` where there are attribute networks, then ``vote``."""
    prior: FloatArray
    """(18,): class shares of the training images."""
    age_bounds: tuple[int, int]

    @property
    def vote(self) -> Voter:
        """The voter whose answers are handed in; unreadable evaluation images have the prior."""
        return self.voters[-1]

    @property
    def unreadable(self) -> list[str]:
        """Evaluation images that could not be read."""
        return self.evaluation.loc[~self.evaluation["readable"], "image"].tolist()


def combine(
    recipe: Recipe,
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    tables: Sequence[FoldTable],
    final: Mapping[str, pd.DataFrame] | None = None,
) -> Combination:
    """Assemble, check and vote.

    Args:
        recipe: The networks, the voting weights and the age bounds.
        manifest: See ``maskfold.dataset.manifest``.
        folds: Columns ``person``, ``fold``.
        tables: One for each network and fold.
        final: Predictions of the networks trained on everybody, by network; none where there are none.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
        RecipeError: If voting weights are unusable or a network has a voter's name.
    """
    train = train_rows(manifest).reset_index(drop=True)
    evaluation = eval_rows(manifest).reset_index(drop=True)
    bounds = recipe.labels.age_bounds
    classes = encode(train["mask"], train["gender"], age_group(train["age"], bounds))
    fold_of = held_out_folds(train["person"], folds)
    train = train.assign(fold=fold_of.astype(np.int8), true_class=classes.astype(np.int8))

    by_network = _by_network(recipe, tables)
    images, eval_images = train["image"].tolist(), evaluation["image"].tolist()
    networks = [
        assemble(
            network.name,
            network.target,
            by_network[network.name],
            images,
            fold_of,
            eval_images,
            (final or {}).get(network.name),
        )
        for network in recipe.networks
    ]
    prior = class_prior(classes)
    voters, (oof, answers) = _voters(networks, recipe.ensemble.weights, classes)
    answers = with_prior(answers, evaluation["readable"].to_numpy(dtype=bool), prior)
    voters.append(Voter(VOTE, "joint", oof, answers, classes))
    return Combination(train, evaluation, tuple(voters), prior, bounds)


def _by_network(recipe: Recipe, tables: Sequence[FoldTable]) -> dict[str, dict[int, pd.DataFrame]]:
    found: dict[str, dict[int, pd.DataFrame]] = {network.name: {} for network in recipe.networks}
    for given in tables:
        if given.network not in found:
            raise InvariantError(f"network {given.network}, fold {given.fold}: the recipe has no such network")
        if given.fold in found[given.network]:
            raise InvariantError(f"network {given.network}, fold {given.fold}: trained twice; expected once")
        found[given.network][given.fold] = given.table
    return found


def _voters(
    networks: Sequence[NetworkPredictions], weights: dict[str, float], classes: IntArray
) -> tuple[list[Voter], tuple[FloatArray, FloatArray]]:
    """Return the networks and their product as voters, and the vote out-of-fold and on the evaluation images."""
    attributes = decode(classes)
    voters = [
        Voter(
            network.name,
            network.target,
            network.oof,
            mean_of_trainings(network.evaluation),
            classes if network.target == "joint" else attributes[network.target],
        )
        for network in networks
    ]
    oof = vote({voter.name: (voter.target, voter.oof) for voter in voters}, weights)
    evaluation = vote({voter.name: (voter.target, voter.evaluation) for voter in voters}, weights)
    if oof.product is not None and evaluation.product is not None:
        voters.append(Voter(PRODUCT, "joint", oof.product, evaluation.product, classes))
    return voters, (oof.probabilities, evaluation.probabilities)
