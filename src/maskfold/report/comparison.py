"""The page of a comparison: which variants are better than the base, and how sure that is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

import maskfold
from maskfold.report.figure import Figure, fitting, is_narrow, legend, panels, rows_of_panels
from maskfold.report.page import environment
from maskfold.report.picture import draw
from maskfold.specs import CompareSpec, VariantScore
from maskfold.study.comparison import ENOUGH
from maskfold.theme import Palette

_CURVE: Final = "valid_macro_f1"
_MOST_LINES: Final = 6
"""Variants whose curves can be told apart."""
_COLUMNS: Final = 2


def comparison_page(
    spec: CompareSpec,
    variants: Sequence[VariantScore],
    curves: pd.DataFrame,
    winner: str | None,
    folder: Path,
    made: datetime | None = None,
) -> str:
    """Return the page.

    Args:
        spec: The trials.
        variants: How they compare, the base first.
        curves: See :func:`maskfold.study.curves.curve_table`; the run is ``<variant>, seed <number>``.
        winner: YAML of the recipe that won; None if nothing is decided yet.
        folder: For the figures' files.
        made: When; now by default.
    """
    figures = [differences_figure(variants, "differences", "Every variant against the base")]
    if spec.screened:
        figures.append(differences_figure(spec.screened, "screened", "What was merged: the variants before"))
    figures.append(curves_figure(variants, curves))
    pictures = draw(figures, folder, lambda _done, _total: None)
    return (
        environment()
        .get_template("comparison.html")
        .render(
            version=maskfold.__version__,
            made=(made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
            study=spec.study,
            base=variants[0],
            variants=variants[1:],
            screened=spec.screened[1:],
            confirmation=bool(spec.screened),
            seeds=variants[0].seeds,
            folds=spec.trials[0].recipe.folds.k,
            people=spec.prepared.n_people,
            dataset_version=spec.dataset_version,
            verdict=verdict(variants, confirmation=bool(spec.screened)),
            enough=ENOUGH,
            winner=winner,
            pictures={picture.figure.name: picture for picture in pictures},
        )
    )


def verdict(variants: Sequence[VariantScore], *, confirmation: bool) -> list[str]:
    """Return what the comparison says, in sentences."""
    base, others = variants[0], variants[1:]
    won = [one for one in others if one.wins]
    if confirmation:
        merged = others[0]
        kept = "it is adopted." if merged.wins else "that is not enough, and the base stays."
        return [f"The merged recipe is {_difference(merged)} than {base.name}, with fresh seeds: {kept}"]
    said = [f"{one.name} is {_difference(one)} than {base.name}: it wins." for one in won]
    sure = [one for one in others if not one.wins and one.low > 0]
    said += [f"{one.name} is {_difference(one)} than {base.name}, but not with every seed." for one in sure]
    if not won:
        said.append(
            f"No variant is better than {base.name} with every seed and by more than {ENOUGH} standard errors: the "
            "recipe stays as it is."
        )
    return said


def differences_figure(variants: Sequence[VariantScore], name: str, title: str) -> Figure:
    """Return a row for each variant: its difference to the base with interval, and those of single seeds as dots."""
    base, others = variants[0], variants[1:]

    def draw_rows(drawing: Canvas, palette: Palette) -> None:
        axes = drawing.subplots()
        places = np.arange(len(others))[::-1]
        for place, one in zip(places, others, strict=True):
            color = palette.accent if one.wins else palette.faint
            axes.plot([one.low, one.high], [place, place], color=color, linewidth=2)
            axes.plot(one.by_seed, [place] * len(one.by_seed), "o", color=color, markersize=3, alpha=0.6)
            axes.plot(one.difference, place, "D", color=color, markersize=6)
        axes.axvline(0, color=palette.ink, linewidth=1)
        names = fitting([one.name for one in others], drawing)
        if is_narrow(drawing):
            names = [textwrap.fill(one, 20) for one in names]
        axes.set_yticks(places, names)
        for label, one in zip(axes.get_yticklabels(), others, strict=True):
            label.set_color(palette.ink)
            label.set_fontweight("bold" if one.wins else "normal")
        axes.set_ylim(-0.7, len(others) - 0.3)
        axes.set_xlabel(f"macro-F1 above {base.name} ({base.macro_f1:.3f})")
        axes.grid(visible=False, axis="y")

    listed = "; ".join(f"{one.name} {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})" for one in others)
    return Figure(
        name=name,
        title=title,
        caption="Diamonds: mean difference of macro-F1, out-of-fold; lines: 95 % intervals by bootstrap over people "
        "and seeds; dots: single seeds. Bold: wins.",
        alt=f"Differences to {base.name}: {listed}.",
        height=1.0 + 0.34 * len(others),
        narrow_height=1.1 + 0.5 * len(others),
        draw=draw_rows,
    )


def curves_figure(variants: Sequence[VariantScore], curves: pd.DataFrame) -> Figure:
    """Return a panel for each network: validation macro-F1 by epoch, mean over folds and seeds, a line a variant."""
    shown = [variants[0], *sorted(variants[1:], key=lambda one: -one.difference)][:_MOST_LINES]
    seen = curves[curves["tag"] == _CURVE].assign(variant=curves["run"].str.replace(r", seed \d+$", "", regex=True))
    networks = list(dict.fromkeys(seen["network"]))

    def draw_panels(drawing: Canvas, palette: Palette) -> None:
        most = 1 if is_narrow(drawing) else _COLUMNS
        grid = panels(drawing, len(networks), most)
        for axes, network in zip(grid, networks, strict=True):
            for number, one in enumerate(shown):
                own = seen[(seen["network"] == network) & (seen["variant"] == one.name)]
                means = own.groupby("epoch")["value"].mean()
                color = palette.ink if number == 0 else palette.series[(number - 1) % len(palette.series)]
                axes.plot(means.index, means.to_numpy(), color=color, marker="o", markersize=2.5, label=one.name)
            axes.set_title(network)
            axes.set_ylabel("macro-F1")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        legend(drawing, grid[min(most, len(grid)) - 1])

    rows = rows_of_panels(len(networks), _COLUMNS)[0]
    left_out = len(variants) - len(shown)
    more = f" Shown are the base and the best {len(shown) - 1}; {left_out} are left out." if left_out else ""
    return Figure(
        name="curves",
        title="Learning, side by side",
        caption=f"Validation macro-F1 of each network's own target, mean over folds and seeds.{more}",
        alt=f"Curves of validation macro-F1 of {', '.join(networks)} for {', '.join(one.name for one in shown)}.",
        height=0.4 + 2.2 * rows,
        narrow_height=0.6 + 2.0 * len(networks) + 0.2 * len(shown),
        draw=draw_panels,
    )


def _difference(one: VariantScore) -> str:
    how = "better" if one.difference > 0 else "worse"
    return f"{abs(one.difference):.3f} {how} ({one.low:+.3f} to {one.high:+.3f})"
