"""Figure: the learning rates of every network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from maskfold.recipe import Network
from maskfold.report.figure import Figure, legend
from maskfold.theme import Palette
from maskfold.training.schedules import learning_rate

_STYLES = ("-", "--", ":", "-.")


def figure(networks: Iterable[Network], steps_per_epoch: Mapping[str, int]) -> Figure:
    """Return lines of the learning rate of every optimizer step that the recipe plans.

    Args:
        networks: Their settings.
        steps_per_epoch: Optimizer steps of an epoch of each, by name.
    """
    epochs, rates = {}, {}
    for network in networks:
        steps = steps_per_epoch[network.name]
        rate = learning_rate(network.schedule, network.optimizer.lr, steps, network.epochs)
        epochs[network.name] = network.epochs
        rates[network.name] = tuple(rate(step) for step in range(steps * network.epochs))
    said = (f"{name} peaks at {max(values):.3g} and ends at {values[-1]:.3g}" for name, values in rates.items())
    return Figure(
        name="learning_rate",
        title="Learning rate",
        caption="Of every optimizer step; networks with the same curve share a line.",
        alt=f"Lines of the learning rate over epochs: {'; '.join(said)}.",
        height=2.4,
        narrow_height=2.4 + 0.17 * len(rates),
        draw=lambda drawing, palette: _draw(drawing, epochs, rates, palette),
    )


def _draw(drawing: Canvas, epochs: Mapping[str, int], rates: Mapping[str, tuple[float, ...]], palette: Palette) -> None:
    axes = drawing.subplots()
    shared: dict[tuple[int, tuple[float, ...]], list[str]] = {}
    for name, values in rates.items():
        shared.setdefault((epochs[name], values), []).append(name)
    for number, ((length, values), names) in enumerate(shared.items()):
        color = palette.series[number % len(palette.series)]
        style = _STYLES[number // len(palette.series) % len(_STYLES)]
        at = np.linspace(0, length, len(values), endpoint=False)
        axes.plot(at, values, style, color=color, label="\n".join(names))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    legend(drawing, axes)
