"""The report page: one HTML file without external scripts, fonts or images."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

import maskfold
from maskfold.ensemble.combination import VOTE, Combination
from maskfold.recipe import dump_recipe
from maskfold.report import facts
from maskfold.report.appendix import Appendix
from maskfold.report.figure import WIDTH, Figure
from maskfold.specs import EnsembleSpec, FaceShares, File
from maskfold.theme import DARK, DPI, LIGHT, Palette
from maskfold.wording import first_few


@dataclass(frozen=True)
class Picture:
    """A figure drawn for light and dark screens."""

    figure: Figure
    light: Path
    dark: Path

    @property
    def width(self) -> int:
        """Pixels."""
        return round(WIDTH * DPI)

    @property
    def height(self) -> int:
        """Pixels."""
        return round(self.figure.height * DPI)


@dataclass(frozen=True)
class Submission:
    """The published submission."""

    file: File
    uri: str
    latest: str
    """URI of the stable copy."""


def draw(figures: Sequence[Figure], folder: Path, drawn: Callable[[int, int], None]) -> list[Picture]:
    """Draw all figures in both palettes.

    Args:
        figures: What to draw.
        folder: Takes ``light/<name>.png`` and ``dark/<name>.png``.
        drawn: Called with the figures drawn and the figures in all.
    """
    pictures = []
    for number, figure in enumerate(figures, start=1):
        light, dark = (_save(figure, folder, palette) for palette in (LIGHT, DARK))
        pictures.append(Picture(figure, light, dark))
        drawn(number, len(figures))
    return pictures


def render(
    spec: EnsembleSpec,
    combination: Combination,
    pictures: Sequence[Picture],
    submission: Submission | None,
    faces: Sequence[FaceShares],
    seconds: float,
    appendix: Appendix = Appendix(),  # noqa: B008 - frozen
    made: datetime | None = None,
) -> str:
    """Return the page.

    Args:
        spec: The ensemble job's spec: recipe and outcomes of all jobs before.
        combination: Voters and scores.
        pictures: Drawn figures, in reading order.
        submission: The published submission; None where the data set has no evaluation images.
        faces: How faces were found, by group of photographs.
        seconds: Wall time of the ensemble job so far.
        appendix: Sheets and lists of the jobs before.
        made: When; now by default.
    """
    times = [*facts.job_times(spec), facts.JobTime("ensemble", seconds, None, "until this page was written")]
    return (
        _environment()
        .get_template("page.html")
        .render(
            version=maskfold.__version__,
            made=(made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
            recipe=spec.recipe,
            recipe_yaml=dump_recipe(spec.recipe),
            prepared=spec.prepared,
            cropped=spec.cropped,
            key=spec.key,
            data=spec.data,
            scheme=combination.scheme,
            faces=faces,
            scores=combination.vote.scores,
            voters=combination.voters,
            vote_name=VOTE,
            weights=spec.recipe.ensemble.weights,
            warnings=[*spec.prepared.warnings, *facts.warnings(spec, combination)],
            networks=facts.network_facts(spec),
            times=times,
            total=sum(time.seconds for time in times),
            pictures={picture.figure.name: picture for picture in pictures},
            appendix=appendix,
            submission=submission,
        )
    )


def _save(figure: Figure, folder: Path, palette: Palette) -> Path:
    place = folder / palette.name
    place.mkdir(parents=True, exist_ok=True)
    return figure.save(place, palette)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("maskfold", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(score=_score, percent=_percent, thousands=_thousands, duration=duration, embed=_embed)
    environment.filters.update(listed=_listed, first_few=first_few)
    return environment


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _thousands(value: int) -> str:
    return f"{value:,}"


def duration(seconds: float) -> str:
    """Return wall time for people: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _listed(numbers: Sequence[float]) -> str:
    """Return numbers for people: ``30 and 60``; ``1.5, 1.65 and 1.8``."""
    *first, last = (f"{number:g}" for number in numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _embed(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
