"""What a data set holds and what a person should know of it before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from maskfold.dataset.corrections import CorrectionsUse
from maskfold.dataset.external_table import ExternalUse
from maskfold.dataset.folds import small_strata
from maskfold.dataset.manifest import class_counts, dataset_version, eval_rows, images_version, people_table
from maskfold.dataset.quarantine import KINDS, Entry, n_left_out, of_data_set, refusal, share_left_out
from maskfold.dataset.survey import Survey
from maskfold.labels import GENDERS, age_names, class_names
from maskfold.wording import first_few

_N_NAMED = 3


@dataclass(frozen=True)
class DatasetReport:
    """What ``maskfold check`` shows.

    Attributes:
        root: The data set's folder.
        n_people: People with at least one usable photograph.
        n_train: Usable training photographs.
        n_eval: Evaluation images, readable or not.
        n_eval_unreadable: Those that will get the prior.
        age_bounds: Lower bounds of age groups 1 and 2, in years.
        class_counts: Training photographs of each of the 18 classes.
        people: Number of people by gender, then by age group.
        ages: Least, median and greatest age of the people in years; None without people.
        sizes: The most frequent (width, height) in pixels with their numbers of readable images, most frequent first;
            external images are not counted.
        n_sizes: Number of different sizes.
        entries: Everything left out or noted.
        n_left_out: Training photographs that are not used.
        share_left_out: Their share of those that should be there, 0..1.
        max_left_out: The share that the recipe allows.
        refusal: Why a run would refuse the data set; None when it would not.
        corrections: What became of the corrections file; None without one.
        external: What became of each external table.
        n_litter: Files of operating systems and editors that were skipped.
        dataset_version: Digest of the manifest.
        images_version: Digest of the images alone.
        warnings: Sentences for people.
    """

    root: str
    n_people: int
    n_train: int
    n_eval: int
    n_eval_unreadable: int
    age_bounds: tuple[int, int]
    class_counts: tuple[int, ...]
    people: tuple[tuple[int, ...], ...]
    ages: tuple[int, float, int] | None
    sizes: tuple[tuple[tuple[int, int], int], ...]
    n_sizes: int
    entries: tuple[Entry, ...]
    n_left_out: int
    share_left_out: float
    max_left_out: float
    refusal: str | None
    corrections: CorrectionsUse | None
    external: tuple[ExternalUse, ...]
    n_litter: int
    dataset_version: str
    images_version: str
    warnings: tuple[str, ...]


def describe(survey: Survey, age_bounds: tuple[int, int], k: int, max_quarantined: float) -> DatasetReport:
    """Sum up a data set.

    Args:
        survey: What it holds.
        age_bounds: Lower bounds of age groups 1 and 2, in years.
        k: Number of folds that a run would make.
        max_quarantined: Share of unusable training photographs that a run would accept, 0..1.
    """
    people = people_table(survey.manifest, age_bounds)
    evaluation = eval_rows(survey.manifest)
    readable = survey.manifest[survey.manifest["readable"] & (survey.manifest["part"] != "external")]
    sizes = Counter(zip(readable["width"].tolist(), readable["height"].tolist(), strict=True))
    n_train = survey.n_train
    refused = refusal(survey.entries, n_train, max_quarantined)
    if refused is None and len(people) < k:
        refused = f"{len(people)} usable people are fewer than folds.k = {k}"
    refused = refused or next((use.refusal for use in survey.external if use.refusal), None)
    return DatasetReport(
        root=survey.root,
        n_people=len(people),
        n_train=n_train,
        n_eval=len(evaluation),
        n_eval_unreadable=int((~evaluation["readable"]).sum()),
        age_bounds=age_bounds,
        class_counts=tuple(class_counts(survey.manifest, age_bounds).tolist()),
        people=_crosstab(people),
        ages=(int(people["age"].min()), float(people["age"].median()), int(people["age"].max())) if n_train else None,
        sizes=tuple(sizes.most_common(_N_NAMED)),
        n_sizes=len(sizes),
        entries=survey.entries,
        n_left_out=n_left_out(survey.entries),
        share_left_out=share_left_out(survey.entries, n_train),
        max_left_out=max_quarantined,
        refusal=refused,
        corrections=survey.corrections,
        external=survey.external,
        n_litter=survey.n_litter,
        dataset_version=dataset_version(survey.manifest),
        images_version=images_version(survey.manifest),
        warnings=survey_warnings(survey, age_bounds, k),
    )


def survey_warnings(survey: Survey, age_bounds: tuple[int, int], k: int) -> tuple[str, ...]:
    """Return what a person should know before training, most urgent first.

    Args:
        survey: The data set.
        age_bounds: Lower bounds of age groups 1 and 2, in years.
        k: Number of folds.
    """
    return (
        *_left_out_warnings(survey),
        *_eval_warnings(survey),
        *_note_warnings(survey),
        *_corrections_warnings(survey.corrections),
        *_external_warnings(survey.external),
        *_class_warnings(survey.manifest, age_bounds, k),
    )


def _left_out_warnings(survey: Survey) -> Iterable[str]:
    lost = [entry for entry in of_data_set(survey.entries) if entry.left_out]
    if lost:
        share = share_left_out(survey.entries, survey.n_train)
        yield f"left out of training: {n_left_out(lost)} photographs ({share:.2%}): {_causes(lost)}; first: {lost[0]}"


def _external_warnings(uses: Iterable[ExternalUse]) -> Iterable[str]:
    for use in uses:
        lost = use.n_rows - use.n_used
        if lost:
            yield (
                f"external table {use.name}: {lost} of {use.n_rows} rows are left out: {_causes(use.entries)}; "
                f"first: {use.entries[0]}"
            )


def _causes(entries: Iterable[Entry]) -> str:
    by_kind: Counter[str] = Counter()
    for entry in entries:
        by_kind[entry.kind] += entry.left_out
    return "; ".join(f"{n} because {KINDS[kind]}" for kind, n in by_kind.most_common())


def _eval_warnings(survey: Survey) -> Iterable[str]:
    evaluation = eval_rows(survey.manifest)
    unreadable = evaluation[~evaluation["readable"]]
    if len(unreadable):
        kinds = {"unreadable", "missing", "unsafe-path"}
        named = [str(entry) for entry in survey.entries if entry.part == "eval" and entry.kind in kinds]
        yield (
            f"{len(unreadable)} of {len(evaluation)} evaluation images cannot be read; they get the prior as their "
            f"prediction: {_some(named)}"
        )


def _note_warnings(survey: Survey) -> Iterable[str]:
    same = [str(entry) for entry in survey.entries if entry.kind == "same-photograph"]
    if same:
        yield (
            f"the same photograph lies under several people or in both parts, {len(same)} times; scores may flatter: "
            f"{_some(same)}"
        )
    unlisted = [entry.where for entry in survey.entries if entry.kind == "unlisted"]
    if unlisted:
        yield f"ignored, because info.csv does not list them, {len(unlisted)} of eval/images: {_some(unlisted)}"


def _corrections_warnings(use: CorrectionsUse | None) -> Iterable[str]:
    # The shipped corrections are of one data set; that another one does not have these people is no news.
    if use and use.unknown and not use.shipped:
        yield f"{use.name}: {len(use.unknown)} of {use.n_rows} rows mean nobody in this data set: {_some(use.unknown)}"
    if use and use.without_effect:
        yield (
            f"{use.name}: no label changed for {len(use.without_effect)} of {use.n_people} people, who had the right "
            f"ones already or have no usable photograph: "
            f"{_some(use.without_effect)}"
        )


def _class_warnings(manifest: pd.DataFrame, age_bounds: tuple[int, int], k: int) -> Iterable[str]:
    counts = class_counts(manifest, age_bounds)
    empty = [name for name, n in zip(class_names(bounds=age_bounds), counts, strict=True) if n == 0]
    if empty:
        yield f"{len(empty)} of {len(counts)} classes have no training photograph and cannot be learnt: {_some(empty)}"
    ages = age_names(age_bounds)
    for gender, age, n in small_strata(people_table(manifest, age_bounds), k):
        who = "1 person is" if n == 1 else f"{n} people are"
        yield f"only {who} {GENDERS[gender]} and {ages[age]}: fewer than {k} folds, so some folds hold none of them"


def _crosstab(people: pd.DataFrame) -> tuple[tuple[int, ...], ...]:
    n_ages = len(age_names())
    counts = Counter(zip(people["gender"].tolist(), people["age_group"].tolist(), strict=True))
    return tuple(tuple(counts[gender, age] for age in range(n_ages)) for gender in range(len(GENDERS)))


def _some(names: Sequence[str]) -> str:
    return first_few(names, _N_NAMED, separator="; ")
