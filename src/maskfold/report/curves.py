"""Figures: learning curves of several runs, overlaid."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from maskfold.report.figure import Figure, fitting, is_narrow, panels, rows_of_panels
from maskfold.theme import Palette

_STYLES: Final = ("-", "--", ":", "-.")
MOST_RUNS: Final = 24
"""Lines that can be told apart: six colours, four styles."""
_MOST_PANELS: Final = 12
"""Of one figure."""
_MOST_FOLDS: Final = 60
"""Thin lines of one panel; more would hide the means."""
_COLUMNS: Final = 2
_LETTERS: Final = 40
"""Of a panel's title in a line."""
_SHORT: Final = 40
"""Letters of a run's name that leave room for another beside it."""


def curve_figures(table: pd.DataFrame, axis: str = "epoch") -> list[Figure]:
    """Return figures with a panel for each network and tag: a line a run, the mean of its folds; thin lines are folds.

    Args:
        table: See :func:`maskfold.study.curves.curve_table`; of more than :data:`MOST_RUNS` runs, the first ones.
        axis: What the column ``epoch`` counts.
    """
    runs = list(dict.fromkeys(table["run"]))[:MOST_RUNS]
    shown = table[table["run"].isin(runs)]
    found, names = [], set[str]()
    for network in dict.fromkeys(shown["network"]):
        own = shown[shown["network"] == network]
        tags = list(dict.fromkeys(own["tag"]))
        for part, start in enumerate(range(0, len(tags), _MOST_PANELS), start=1):
            some = tags[start : start + _MOST_PANELS]
            name = _file_name(f"curves {network}" if network else "curves", part, names)
            found.append(_figure(own[own["tag"].isin(some)], name, network, some, axis))
    return found


def _figure(table: pd.DataFrame, name: str, network: str, tags: Sequence[str], axis: str) -> Figure:
    runs = list(dict.fromkeys(table["run"]))
    rows = rows_of_panels(len(tags), _COLUMNS)[0]
    columns = 2 if max(map(len, runs)) <= _SHORT else 1
    return Figure(
        name=name,
        title=f"Learning curves{f' of {network}' if network else ''}",
        caption="Bold lines are runs, mean over folds; thin ones are folds.",
        alt=f"Curves of {', '.join(tags)} for {', '.join(runs)}.",
        height=0.5 + 2.1 * rows + 0.19 * -(-len(runs) // columns),
        narrow_height=0.5 + 2.0 * len(tags) + 0.19 * len(runs),
        draw=lambda drawing, palette: _draw(drawing, table, network, tags, axis, columns, palette),
    )


def _draw(
    drawing: Canvas,
    table: pd.DataFrame,
    network: str,
    tags: Sequence[str],
    axis: str,
    columns: int,
    palette: Palette,
) -> None:
    columns = 1 if is_narrow(drawing) else columns
    most = 1 if is_narrow(drawing) else _COLUMNS
    runs = list(dict.fromkeys(table["run"]))
    handles: dict[str, Any] = {}
    for axes, tag in zip(panels(drawing, len(tags), most), tags, strict=True):
        seen = table[table["tag"] == tag]
        folds_too = len(seen[["run", "fold"]].drop_duplicates()) <= _MOST_FOLDS
        for number, run in enumerate(runs):
            color = palette.series[number % len(palette.series)]
            style = _STYLES[number // len(palette.series) % len(_STYLES)]
            own = seen[seen["run"] == run]
            if own.empty:
                continue
            folds = [one for _, one in own.groupby("fold")]
            if folds_too and len(folds) > 1:
                for one in folds:
                    axes.plot(one["epoch"], _finite(one["value"]), style, color=color, linewidth=0.6, alpha=0.45)
            means = own.groupby("epoch")["value"].mean()
            marker = "o" if len(means) == 1 else None
            (line,) = axes.plot(means.index, _finite(means), style, color=color, marker=marker, markersize=4)
            handles.setdefault(run, line)
        axes.set_title(_plain(textwrap.fill(f"{network}: {tag}" if network else tag, _LETTERS)))
        axes.set_xlabel(axis)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    labels = [_plain(name) for name in fitting(list(handles), drawing)]
    drawing.legend(list(handles.values()), labels, loc="outside lower left", ncols=columns)


def _finite(values: pd.Series[float]) -> np.ndarray[Any, Any]:
    """Return values with gaps where a training left the numbers."""
    found = values.to_numpy(dtype=float)
    return np.where(np.isfinite(found), found, np.nan)


def _plain(text: str) -> str:
    """Return a text that matplotlib takes neither for a formula nor for the label of something hidden."""
    shown = text.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def _file_name(text: str, part: int, taken: set[str]) -> str:
    plain = re.sub(r"[^\w.=-]+", "-", text).strip("-.")[:80]
    name = plain if part == 1 else f"{plain}-{part}"
    number = 2
    while name.casefold() in taken:
        name, number = f"{plain}-{part}-{number}", number + 1
    taken.add(name.casefold())
    return name
