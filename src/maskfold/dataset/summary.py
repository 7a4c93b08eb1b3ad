"""Summary of a data set, and warnings before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from maskfold.dataset.corrections import CorrectionsUse
from maskfold.dataset.external import ExternalUse
from maskfold.dataset.folds import Stratum, small_strata
from maskfold.dataset.manifest import class_counts, eval_rows, people_table, strata, train_rows
from maskfold.dataset.quarantine import KINDS, Entry, n_left_out, of_data_set, refusal, share_left_out
from maskfold.dataset.survey import Survey
from maskfold.dataset.versions import dataset_version, images_version
from maskfold.scheme import Scheme
from maskfold.wording import first_few

_N_NAMED = 3
_N_STRATA = 6
"""Up to this number, small strata get a warning each."""


@dataclass(frozen=True)
class DatasetReport:
    """What ``maskfold check`` shows.

    Attributes:
        root: The data set's folder.
        n_people: People with at least one usable photograph.
        n_train: Usable training photographs.
        n_eval: Evaluation images, readable or not.
        n_eval_unreadable: Evaluation images that get the prior as their prediction.
        scheme: The attributes that it states.
        persons_known: Whether it states which photographs show the same person.
        class_counts: Training photographs of each joint class.
        people: Number of people by the classes of the attributes of a person; empty if persons are not known.
        numbers: Least, median and greatest number of each attribute with bounds, in its unit: over people for an
            attribute of a person, else over photographs.
        sizes: The most frequent (width, height) in pixels with their numbers of readable images, most frequent first;
            external images are not counted.
        n_sizes: Number of different sizes.
        entries: Everything left out or noted.
        n_left_out: Training photographs that are not used.
        share_left_out: Their share of those that should exist, 0..1.
        max_left_out: The share that the recipe allows.
        refusal: Why a run would reject the data set; None if it would accept it.
        corrections: The effect of the corrections file; None without one.
        external: The use of each external table.
        n_litter: Files of operating systems and editors that were skipped.
        dataset_version: Digest of the manifest.
        images_version: Digest of the images alone.
        warnings: Sentences for users.
    """

    root: str
    n_people: int
    n_train: int
    n_eval: int
    n_eval_unreadable: int
    scheme: Scheme
    persons_known: bool
    class_counts: tuple[int, ...]
    people: Mapping[Stratum, int]
    numbers: Mapping[str, tuple[float, float, float]]
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


def describe(survey: Survey, k: int, max_quarantined: float) -> DatasetReport:
    """Summarise a data set.

    Args:
        survey: Its content.
        k: Number of folds that a run would make.
        max_quarantined: Share of unusable training photographs that a run would accept, 0..1.
    """
    scheme, of_person = survey.scheme, survey.scheme.of("person")
    people = people_table(survey.manifest, of_person)
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
        scheme=scheme,
        persons_known=survey.persons_known,
        class_counts=tuple(class_counts(survey.manifest, scheme).tolist()),
        people=_counts(people) if survey.persons_known and of_person else {},
        numbers=_numbers(survey) if n_train else {},
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
        warnings=survey_warnings(survey, k),
    )


def survey_warnings(survey: Survey, k: int) -> tuple[str, ...]:
    """Return warnings for users before training, most urgent first.

    Args:
        survey: The data set.
        k: Number of folds.
    """
    return (
        *_left_out_warnings(survey),
        *_eval_warnings(survey),
        *_note_warnings(survey),
        *_corrections_warnings(survey.corrections),
        *_external_warnings(survey.external),
        *survey.warnings,
        *_person_warnings(survey),
        *_class_warnings(survey, k),
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
    return "; ".join(f"{KINDS[kind]} ({n})" for kind, n in by_kind.most_common())


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
            f"{len(same)} photographs are under several people or in both parts; scores may be too high: {_some(same)}"
        )
    unlisted = [entry.where for entry in survey.entries if entry.kind == "unlisted"]
    if unlisted:
        yield f"{len(unlisted)} files in eval/images are ignored because info.csv does not list them: {_some(unlisted)}"


def _corrections_warnings(use: CorrectionsUse | None) -> Iterable[str]:
    # The shipped corrections are for one data set; others are not expected to have these people.
    if use and use.unknown and not use.shipped:
        what = "person" if use.who == "people" else "photograph"
        yield (
            f"{use.name}: {len(use.unknown)} of {use.n_rows} rows match no {what} of this data set: "
            f"{_some(use.unknown)}"
        )
    if use and use.without_effect:
        reason = "the labels were already correct, or no photograph is usable"
        yield (
            f"{use.name}: no label changed for {len(use.without_effect)} of {use.n_matched} {use.who} ({reason}): "
            f"{_some(use.without_effect)}"
        )


def _person_warnings(survey: Survey) -> Iterable[str]:
    if not survey.persons_known:
        yield (
            "the data set names no persons, so each photograph counts as a person of its own: look-alikes and repeated "
            "people may be in several folds, and scores may be too high"
        )


def _class_warnings(survey: Survey, k: int) -> Iterable[str]:
    counts = class_counts(survey.manifest, survey.scheme)
    empty = [name for name, n in zip(survey.scheme.class_names(), counts, strict=True) if n == 0]
    if empty:
        yield f"{len(empty)} of {len(counts)} classes have no training photograph and cannot be learnt: {_some(empty)}"
    attributes = strata(survey.manifest, survey.scheme)
    if not attributes:
        return
    names = [attribute.class_names for attribute in attributes]
    small = [
        (" and ".join(names[place][number] for place, number in enumerate(stratum)), n)
        for stratum, n in small_strata(people_table(survey.manifest, attributes), k)
    ]
    one, many = ("person", "people") if survey.persons_known else ("photograph", "photographs")
    if len(small) > _N_STRATA:
        named = _some([f"{name} ({n})" for name, n in small])
        yield f"{len(small)} groups have fewer {many} than {k} folds, so some folds hold none of them: {named}"
        return
    for name, n in small:
        who = f"1 {one} is" if n == 1 else f"{n} {many} are"
        yield f"only {who} {name}: fewer than {k} folds, so some folds hold none of them"


def _counts(people: pd.DataFrame) -> dict[Stratum, int]:
    rows = people.drop(columns="person").itertuples(index=False, name=None)
    return dict(sorted(Counter(rows).items()))


def _numbers(survey: Survey) -> dict[str, tuple[float, float, float]]:
    train = train_rows(survey.manifest)
    people = train[~train["person"].duplicated()]
    found = {}
    for attribute in survey.scheme.attributes:
        if attribute.is_number:
            stated = (people if attribute.of == "person" else train)[attribute.name]
            found[attribute.name] = (float(stated.min()), float(stated.median()), float(stated.max()))
    return found


def _some(names: Sequence[str]) -> str:
    return first_few(names, _N_NAMED, separator="; ")
