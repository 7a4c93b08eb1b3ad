"""All figures of a run, each with the words that go with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from maskfold.ensemble.combination import Combination
from maskfold.ensemble.scores import confusion, f1_by_class
from maskfold.labels import N_CLASSES, IntArray, class_names
from maskfold.recipe import Recipe
from maskfold.report import bars, curves
from maskfold.report import confusion as matrices
from maskfold.specs import TrainFoldOutcome
from maskfold.theme import Palette, canvas


@dataclass(frozen=True)
class Figure:
    """One picture, drawn on demand in any palette."""

    name: str
    """File name without extension."""
    title: str
    caption: str
    """How to read it."""
    alt: str
    """What it says, for those who cannot see it."""
    size: tuple[float, float]
    """Width, height in inches."""
    draw: Callable[[Canvas, Palette], None]

    def save(self, folder: Path, palette: Palette) -> Path:
        """Draw it and return the PNG's path."""
        path = folder / f"{self.name}.png"
        with canvas(path, palette, *self.size) as drawing:
            self.draw(drawing, palette)
        return path


def run_figures(recipe: Recipe, combination: Combination, trained: tuple[TrainFoldOutcome, ...]) -> list[Figure]:
    """Return the figures of a run, in reading order."""
    vote, bounds = combination.vote, combination.age_bounds
    networks: dict[str, curves.Folds] = {
        network.name: [outcome for outcome in trained if outcome.network == network.name] for network in recipe.networks
    }
    epochs = {network.name: network.epochs for network in recipe.networks}
    rates = {
        network.name: curves.rates(network, next(one for one in trained if one.network == network.name))
        for network in recipe.networks
    }
    return [
        Figure(
            "scores",
            "Every network, and the vote",
            "Macro-F1 out-of-fold, over the whole training set at once. A dash: the network does not predict that.",
            _say_scores(combination),
            (8.4, 1.0 + 0.34 * len(combination.voters)),
            lambda drawing, palette: bars.draw_scores(drawing, combination.voters, palette),
        ),
        Figure(
            "confusion_vote",
            "What the vote takes for what",
            "Rows are true classes, columns are answers. Numbers count images; colour is the share of the row.",
            _say_mistakes(vote.true, vote.predicted, bounds),
            (8.4, 7.6),
            lambda drawing, palette: matrices.draw_joint(drawing, vote, bounds, palette),
        ),
        Figure(
            "confusion_attributes",
            "The same by attribute",
            "Mask, gender and age as read off the vote's class.",
            _say_attributes(combination),
            (8.4, 2.9),
            lambda drawing, palette: matrices.draw_attributes(drawing, vote, bounds, palette),
        ),
        Figure(
            "classes",
            "Large classes and small ones",
            "Macro-F1 counts every class alike, however few its images: the shortest bars on the right cost most.",
            _say_classes(combination),
            (8.4, 4.6),
            lambda drawing, palette: bars.draw_classes(drawing, combination, palette),
        ),
        Figure(
            "ages",
            "How sure the vote is of the age",
            "Mean out-of-fold probability of each age group. Where lines cross away from a dashed bound, "
            "people just beyond it are taken for the wrong group.",
            _say_ages(combination),
            (8.4, 3.0),
            lambda drawing, palette: bars.draw_ages(drawing, combination, palette),
        ),
        Figure(
            "learning",
            "Learning, epoch by epoch",
            "Macro-F1 of the network's own target on the held-out fold. Thin lines are folds, bold ones their mean; "
            "dots mark the epochs that were kept.",
            _say_learning(networks),
            (8.4, 0.4 + 2.0 * len(networks)),
            lambda drawing, palette: curves.draw_learning(drawing, networks, palette),
        ),
        Figure(
            "learning_rate",
            "Learning rate",
            "Of every optimizer step; networks with the same curve share a line.",
            _say_rates(rates),
            (8.4, 2.4),
            lambda drawing, palette: curves.draw_rates(drawing, epochs, rates, palette),
        ),
    ]


def _say_scores(combination: Combination) -> str:
    said = []
    for voter in combination.voters:
        column = "classes" if voter.target == "joint" else voter.target
        said.append(f"{voter.name} {bars.macro_f1_of(voter, column):.3f} ({column})")
    return f"Bars of macro-F1: {', '.join(said)}."


def _say_mistakes(true: IntArray, predicted: IntArray, bounds: tuple[int, int]) -> str:
    counts = confusion("joint", true, predicted)
    names = class_names("joint", bounds)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    worst = [np.unravel_index(place, wrong.shape) for place in np.argsort(-wrong, axis=None)[:3]]
    said = [f"{wrong[row, col]} of {names[row]} taken for {names[col]}" for row, col in worst if wrong[row, col]]
    share = counts.trace() / max(counts.sum(), 1)
    mistakes = f"Most frequent mistakes: {'; '.join(said)}." if said else "No mistakes."
    return f"Confusion matrix of 18 classes; {share:.1%} of the images lie on the diagonal. {mistakes}"


def _say_attributes(combination: Combination) -> str:
    scores = combination.vote.scores.attributes
    said = ", ".join(f"{name} {values['accuracy']:.1%}" for name, values in scores.items())
    return f"Three confusion matrices. Share right: {said}."


def _say_classes(combination: Combination) -> str:
    vote, names = combination.vote, class_names("joint", combination.age_bounds)
    counts = np.bincount(vote.true, minlength=N_CLASSES)
    scores = f1_by_class("joint", vote.true, vote.predicted)
    low, high = int(scores.argmin()), int(scores.argmax())
    return (
        f"Bars of images and F1 by class. Images: {counts.min():,} to {counts.max():,}. "
        f"Lowest F1: {names[low]}, {scores[low]:.3f}; highest: {names[high]}, {scores[high]:.3f}."
    )


def _say_ages(combination: Combination) -> str:
    first, second = combination.age_bounds
    f1 = combination.vote.scores.attributes["age"]["macro_f1"]
    return (
        f"Lines of the mean probability of three age groups over true age, bounds at {first} and {second}; F1 {f1:.3f}."
    )


def _say_rates(rates: dict[str, tuple[float, ...]]) -> str:
    said = (f"{name} peaks at {max(values):.3g} and ends at {values[-1]:.3g}" for name, values in rates.items())
    return f"Lines of the learning rate over epochs: {'; '.join(said)}."


def _say_learning(networks: dict[str, curves.Folds]) -> str:
    said = []
    for name, folds in networks.items():
        mean = curves.mean_by_epoch(folds, "valid_macro_f1")
        if mean:
            said.append(f"{name} from {mean[0]:.3f} to {mean[-1]:.3f}")
    return f"Curves of loss and validation macro-F1 over epochs. Mean macro-F1, first to last epoch: {'; '.join(said)}."
