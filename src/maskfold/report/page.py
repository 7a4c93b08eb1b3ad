"""The report page: one HTML file without external scripts, fonts or images."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import maskfold
from maskfold.ensemble.combination import VOTE, Combination
from maskfold.recipe import dump_recipe
from maskfold.report import facts, numbers
from maskfold.report.advice import advice
from maskfold.report.appendix import Appendix
from maskfold.report.corrected import SHOWN, CorrectionsEffect
from maskfold.report.mistakes import Mistakes
from maskfold.report.picture import Picture, png
from maskfold.report.sanity import sanity
from maskfold.report.verdict import verdict
from maskfold.report.weak_spots import weak_spots
from maskfold.specs import EnsembleSpec, FaceShares, File
from maskfold.wording import duration, first_few

_SHOWN: Final = 64 * 1024
"""Bytes of a submission whose rows the page shows, for previews that allow no download."""


@dataclass(frozen=True)
class Submission:
    """The published submission."""

    file: File
    uri: str
    latest: str
    """URI of the stable copy."""
    best: str
    """URI of the best one for this data set."""
    content: bytes
    """The csv file."""

    @property
    def data_uri(self) -> str:
        """The file as a link, so that it is wherever the page is: in a preview, in a mail."""
        return "data:text/csv;charset=utf-8," + urllib.parse.quote(self.content, safe=",:;/=@!~*'()")

    @property
    def rows(self) -> str | None:
        """The file as text; None where it is too long to be shown."""
        return self.content.decode() if len(self.content) <= _SHOWN else None


def render(
    spec: EnsembleSpec,
    combination: Combination,
    pictures: Sequence[Picture],
    submission: Submission | None,
    faces: Sequence[FaceShares],
    seconds: float,
    appendix: Appendix = Appendix(),  # noqa: B008 - frozen
    mistakes: Mistakes = Mistakes(),  # noqa: B008 - frozen
    made: datetime | None = None,
    corrected: CorrectionsEffect | None = None,
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
        mistakes: Whom the vote gets wrong.
        made: When; now by default.
        corrected: What corrections changed; None where none applied.
    """
    times = [*facts.job_times(spec), facts.JobTime("ensemble", seconds, None, "until this page was written")]
    networks = facts.network_facts(spec)
    common, differing = facts.settings_of(networks)
    return (
        environment()
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
            scores=combination.scores[VOTE],
            all_scores=combination.scores,
            voters=combination.voters,
            vote_name=VOTE,
            weights=spec.recipe.ensemble.weights,
            warnings=[*spec.prepared.warnings, *facts.warnings(spec, combination)],
            verdict=verdict(combination),
            advice=advice(spec, combination, faces),
            sanity=sanity(combination),
            mistakes=mistakes,
            weak_spots=weak_spots(combination),
            corrected=corrected,
            shown_changes=SHOWN,
            networks=networks,
            common=common,
            differing=differing,
            times=times,
            total=sum(time.seconds for time in times),
            pictures={picture.figure.name: picture for picture in pictures},
            appendix=appendix,
            submission=submission,
        )
    )


def environment() -> Environment:
    """Return what renders the templates of pages."""
    made = Environment(
        loader=PackageLoader("maskfold", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        score=numbers.score,
        percent=numbers.percent,
        thousands=numbers.thousands,
        duration=duration,
        listed=numbers.listed,
        first_few=first_few,
        png=png,
        marked=_marked,
        signed=numbers.signed,
    )
    made.globals.update(span=numbers.span, percent_span=numbers.percent_span)
    return made


def _marked(text: str) -> Markup:
    """Return a sentence as HTML, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before
