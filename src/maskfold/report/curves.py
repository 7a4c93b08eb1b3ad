"""Curves over epochs: losses, scores and learning rates of every network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from maskfold.recipe import Network
from maskfold.specs import EpochRecord, TrainFoldOutcome
from maskfold.theme import Palette
from maskfold.training.schedules import learning_rate

Folds = Sequence[TrainFoldOutcome]


def draw_learning(figure: Figure, networks: dict[str, Folds], palette: Palette) -> None:
    """Draw, for each network, losses (left) and validation macro-F1 (right): folds thin, their mean bold."""
    grid = figure.subplots(len(networks), 2, squeeze=False)
    for (loss, score), (name, folds) in zip(grid, networks.items(), strict=True):
        _curves(loss, folds, "train_loss", palette.series[1], "train")
        _curves(loss, folds, "valid_loss", palette.series[0], "validation")
        loss.set_title(name)
        loss.set_ylabel("loss")
        highest = max(
            (max(record.train_loss, record.valid_loss or 0.0) for fold in folds for record in fold.history), default=0
        )
        loss.set_ylim(0, 1.08 * highest or 1)
        loss.legend(loc="best")
        _curves(score, folds, "valid_macro_f1", palette.series[0], None)
        for fold in folds:
            for kept in (record for record in fold.history if record.epoch == fold.best_epoch):
                score.plot(kept.epoch + 1, kept.valid_macro_f1, "o", color=palette.accent, markersize=4, zorder=3)
        score.set_ylabel("macro-F1")
        score.set_ylim(0, 1)
        for axes in (loss, score):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.set_xlim(0.8, _epochs(folds) + 0.2)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")


def rates(network: Network, trained: TrainFoldOutcome) -> tuple[float, ...]:
    """Return the learning rate of every optimizer step that the recipe plans for a network.

    Args:
        network: Its settings.
        trained: One of its folds, which says how many steps an epoch has.
    """
    rate = learning_rate(network.schedule, network.optimizer.lr, trained.steps_per_epoch, network.epochs)
    return tuple(rate(step) for step in range(trained.steps_per_epoch * network.epochs))


def draw_rates(
    figure: Figure, epochs: Mapping[str, int], curves: Mapping[str, tuple[float, ...]], palette: Palette
) -> None:
    """Draw the learning rate of every step; networks with the same curve share a line.

    Args:
        figure: Where.
        epochs: Number of epochs of each network.
        curves: Rates of each network; see :func:`rates`.
        palette: Its colours.
    """
    axes = figure.subplots()
    shared: dict[tuple[int, tuple[float, ...]], list[str]] = {}
    for name, values in curves.items():
        shared.setdefault((epochs[name], values), []).append(name)
    styles = ("-", "--", ":", "-.")
    for number, ((length, values), names) in enumerate(shared.items()):
        color = palette.series[number % len(palette.series)]
        style = styles[number // len(palette.series) % len(styles)]
        at = np.linspace(0, length, len(values), endpoint=False)
        axes.plot(at, values, style, color=color, label="\n".join(names))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))


def mean_by_epoch(folds: Folds, value: str) -> list[float]:
    """Return the mean of a value over the folds that reached each epoch."""
    histories: list[tuple[EpochRecord, ...]] = [fold.history for fold in folds]
    return [
        float(np.mean([getattr(record, value) for record in records if record is not None]))
        for records in zip_longest(*histories)
    ]


def _curves(axes: Any, folds: Folds, value: str, color: str, label: str | None) -> None:
    for fold in folds:
        epochs = [record.epoch + 1 for record in fold.history]
        axes.plot(epochs, [getattr(record, value) for record in fold.history], color=color, linewidth=0.7, alpha=0.5)
    mean = mean_by_epoch(folds, value)
    marker = "o" if len(mean) == 1 else None
    axes.plot(range(1, len(mean) + 1), mean, color=color, linewidth=2.0, marker=marker, markersize=4, label=label)


def _epochs(folds: Folds) -> int:
    return max((len(fold.history) for fold in folds), default=1)
