"""Figure: losses and scores of every network over its epochs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from maskfold.report.figure import Figure, is_narrow
from maskfold.specs import EpochRecord, TrainFoldOutcome
from maskfold.theme import Palette

FoldOutcomes = Sequence[TrainFoldOutcome]
_LETTERS = 26
"""Of a network's name in a line, on a narrow screen."""


def figure(networks: Mapping[str, FoldOutcomes]) -> Figure:
    """Return, for each network, losses (left) and validation macro-F1 (right): folds thin, their mean bold."""
    said = []
    for name, folds in networks.items():
        mean = _mean_by_epoch(folds, "valid_macro_f1")
        if mean:
            said.append(f"{name} from {mean[0]:.3f} to {mean[-1]:.3f}")
    return Figure(
        name="learning",
        title="Learning, epoch by epoch",
        caption="Macro-F1 of the network's own target on the held-out fold. Thin lines are folds, bold ones their "
        "mean; dots mark the epochs that were kept.",
        alt="Curves of loss and validation macro-F1 over epochs. "
        f"Mean macro-F1, from the first to the last epoch: {'; '.join(said)}.",
        height=0.4 + 2.0 * len(networks),
        narrow_height=0.4 + 1.8 * len(networks),
        draw=lambda drawing, palette: _draw(drawing, networks, palette),
    )


def _draw(drawing: Canvas, networks: Mapping[str, FoldOutcomes], palette: Palette) -> None:
    grid = drawing.subplots(len(networks), 2, squeeze=False)
    for (loss, score), (name, folds) in zip(grid, networks.items(), strict=True):
        _curves(loss, folds, "train_loss", palette.series[1], "train")
        _curves(loss, folds, "valid_loss", palette.series[0], "validation")
        loss.set_title(textwrap.fill(name, _LETTERS) if is_narrow(drawing) else name)
        loss.set_ylabel("loss")
        highest = max(
            (max(record.train_loss, record.valid_loss or 0.0) for fold in folds for record in fold.history), default=0
        )
        loss.set_ylim(0, 1.08 * highest or 1)
        if is_narrow(drawing):
            loss.legend(loc="best", fontsize=7, handlelength=1)
        else:
            loss.legend(loc="best")
        _curves(score, folds, "valid_macro_f1", palette.series[0], None)
        for fold in folds:
            for kept in (record for record in fold.history if record.epoch == fold.best_epoch):
                score.plot(kept.epoch + 1, kept.valid_macro_f1, "o", color=palette.accent, markersize=4, zorder=3)
        score.set_ylabel("macro-F1")
        score.set_ylim(0, 1.05)
        for axes in (loss, score):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.set_xlim(0.8, max((len(fold.history) for fold in folds), default=1) + 0.2)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")


def _curves(axes: Any, folds: FoldOutcomes, value: str, color: str, label: str | None) -> None:
    for fold in folds:
        epochs = [record.epoch + 1 for record in fold.history]
        axes.plot(epochs, [getattr(record, value) for record in fold.history], color=color, linewidth=0.7, alpha=0.5)
    mean = _mean_by_epoch(folds, value)
    marker = "o" if len(mean) == 1 else None
    axes.plot(range(1, len(mean) + 1), mean, color=color, linewidth=2.0, marker=marker, markersize=4, label=label)


def _mean_by_epoch(folds: FoldOutcomes, value: str) -> list[float]:
    """Return the mean of a value over the folds that reached each epoch."""
    histories: list[tuple[EpochRecord, ...]] = [fold.history for fold in folds]
    return [
        float(np.mean([getattr(record, value) for record in records if record is not None]))
        for records in zip_longest(*histories)
    ]
