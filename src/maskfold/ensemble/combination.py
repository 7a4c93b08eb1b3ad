"""All networks together: from their prediction tables to voters with answers and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.dataset.folds import held_out_folds
from maskfold.dataset.manifest import eval_rows, train_rows
from maskfold.ensemble.bootstrap import Answers, Resampled, resample
from maskfold.ensemble.oof import assemble
from maskfold.ensemble.scores import scores_of, with_intervals
from maskfold.ensemble.vote import PRODUCT, mean_of_trainings, vote
from maskfold.errors import InvariantError
from maskfold.recipe import Recipe
from maskfold.scheme import JOINT, FloatArray, IntArray, Scheme
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
    target: str
    scheme: Scheme
    oof: FloatArray
    """(training images, classes): out-of-fold probabilities."""
    evaluation: FloatArray
    """(evaluation images, classes): mean over the trainings."""
    true: IntArray
    """(training images,): true classes of the target."""

    @cached_property
    def predicted(self) -> IntArray:
        """(training images,): the most probable class; of ties the first."""
        return np.asarray(self.oof.argmax(axis=1), dtype=np.int64)

    @cached_property
    def scores(self) -> Scores:
        """Out-of-fold scores on the whole training set, without intervals; see :attr:`Combination.scores`."""
        return scores_of(self.scheme, self.target, self.true, self.predicted)

    @cached_property
    def answers(self) -> dict[str, tuple[IntArray, IntArray]]:
        """True and predicted classes, (training images,) each, of every target that the answers imply."""
        true, predicted = (self.scheme.implied(self.target, one) for one in (self.true, self.predicted))
        return {target: (true[target], predicted[target]) for target in true}


@dataclass(frozen=True)
class Combination:
    """All voters and their images, in the manifest's order."""

    train: pd.DataFrame
    """The manifest's training rows, plus ``fold`` and ``true_class``."""
    evaluation: pd.DataFrame
    """The manifest's evaluation rows."""
    voters: tuple[Voter, ...]
    """Networks in the recipe's order, then ``attributes`` where there are attribute networks, then ``vote``."""
    prior: FloatArray
    """(joint classes,): class shares of the training images."""
    scheme: Scheme

    @property
    def vote(self) -> Voter:
        """The voter that the submission comes from; unreadable evaluation images get the prior."""
        return self.voters[-1]

    @property
    def joint_voters(self) -> tuple[Voter, ...]:
        """What the vote is the mean of: the joint networks, and the product of the attribute networks."""
        given = self.voters[:-1]
        return tuple(voter for voter in given if voter.target == JOINT)

    @cached_property
    def resampled(self) -> dict[str, dict[str, Resampled]]:
        """Scores in resamples of the people, by voter and target; the same resamples for all."""
        asked = [(voter, target) for voter in self.voters for target in voter.answers]
        answers = [Answers(*voter.answers[target], self.scheme.size(target)) for voter, target in asked]
        found: dict[str, dict[str, Resampled]] = {voter.name: {} for voter in self.voters}
        for (voter, target), one in zip(asked, resample(self.train["person"], answers), strict=True):
            found[voter.name][target] = one
        return found

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """Out-of-fold scores of every voter, by name, with intervals."""
        return {voter.name: with_intervals(voter.scores, self.resampled[voter.name]) for voter in self.voters}

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
        recipe: The networks, the voting weights and the scheme.
        manifest: See ``maskfold.dataset.manifest``.
        folds: Columns ``person``, ``fold``.
        tables: One for each network and fold.
        final: Predictions of the networks trained on everybody, by network; none where there are none.

    Raises:
        InvariantError: If predictions are missing, doubled or not out-of-fold.
        RecipeError: If voting weights are invalid or a network has a voter's name.
    """
    train = train_rows(manifest).reset_index(drop=True)
    evaluation = eval_rows(manifest).reset_index(drop=True)
    scheme = recipe.scheme
    labels = scheme.labels(train)
    classes = scheme.encode(labels)
    fold_of = held_out_folds(train["person"], folds)
    train = train.assign(fold=fold_of.astype(np.int8), true_class=narrow(classes, scheme))

    by_network = _by_network(recipe, tables)
    images, eval_images = train["image"].tolist(), evaluation["image"].tolist()
    voters = []
    for network in recipe.networks:
        name, target = network.name, network.target
        trained, last = by_network[name], (final or {}).get(name)
        found = assemble(name, scheme.size(target), trained, images, fold_of, eval_images, last)
        mean = mean_of_trainings(found.evaluation)
        voters.append(Voter(name, target, scheme, found.oof, mean, scheme.column(labels, target)))
    oof = vote({voter.name: (voter.target, voter.oof) for voter in voters}, recipe.ensemble.weights, scheme)
    answers = vote({voter.name: (voter.target, voter.evaluation) for voter in voters}, recipe.ensemble.weights, scheme)
    if oof.product is not None and answers.product is not None:
        voters.append(Voter(PRODUCT, JOINT, scheme, oof.product, answers.product, classes))
    prior = class_prior(classes, scheme.n_classes)
    readable = evaluation["readable"].to_numpy(dtype=bool)
    handed_in = with_prior(answers.probabilities, readable, prior)
    voters.append(Voter(VOTE, JOINT, scheme, oof.probabilities, handed_in, classes))
    return Combination(train, evaluation, tuple(voters), prior, scheme)


def class_prior(classes: IntArray, n_classes: int) -> FloatArray:
    """Return the share of each class among training images, (n_classes,)."""
    counts = np.bincount(classes, minlength=n_classes)
    return np.asarray(counts / counts.sum())


def with_prior(probabilities: FloatArray, readable: NDArray[np.bool_], prior: FloatArray) -> FloatArray:
    """Give images that cannot be read the class prior, since a network's answer to a blank picture means nothing.

    Args:
        probabilities: (N, classes).
        readable: (N,).
        prior: (classes,), see :func:`class_prior`.
    """
    return np.where(readable[:, None], probabilities, prior)


def narrow(classes: IntArray, scheme: Scheme) -> NDArray[np.signedinteger[Any]]:
    """Return joint classes in the smallest signed type that holds all of the scheme's, for tables."""
    return classes.astype(np.min_scalar_type(-scheme.n_classes))


def _by_network(recipe: Recipe, tables: Sequence[FoldTable]) -> dict[str, dict[int, pd.DataFrame]]:
    found: dict[str, dict[int, pd.DataFrame]] = {network.name: {} for network in recipe.networks}
    for given in tables:
        if given.network not in found:
            raise InvariantError(f"network {given.network}, fold {given.fold}: the recipe has no such network")
        if given.fold in found[given.network]:
            raise InvariantError(f"network {given.network}, fold {given.fold}: trained twice; expected once")
        found[given.network][given.fold] = given.table
    return found
