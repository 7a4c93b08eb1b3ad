"""Summary of a data set, and warnings before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from maskfold.dataset.cautions import survey_warnings
from maskfold.dataset.corrections import CorrectionsUse
from maskfold.dataset.external import ExternalUse
from maskfold.dataset.folds import Stratum
from maskfold.dataset.manifest import class_counts, people_table, train_rows
from maskfold.dataset.quarantine import Entry, eval_refusal, n_left_out, refusal, share_left_out
from maskfold.dataset.survey import Survey
from maskfold.dataset.versions import dataset_version, images_version
from maskfold.recipe import Dataset
from maskfold.scheme import Scheme

_N_NAMED = 3


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


def describe(survey: Survey, k: int, limits: Dataset) -> DatasetReport:
    """Summarise a data set.

    Args:
        survey: Its content.
        k: Number of folds that a run would make.
        limits: Shares of unusable photographs that a run would accept.
    """
    scheme, of_person = survey.scheme, survey.scheme.of("person")
    people = people_table(survey.manifest, of_person)
    n_eval, n_eval_unreadable = survey.n_eval
    readable = survey.manifest[survey.manifest["readable"] & (survey.manifest["part"] != "external")]
    sizes = Counter(zip(readable["width"].tolist(), readable["height"].tolist(), strict=True))
    n_train = survey.n_train
    refused = refusal(survey.entries, n_train, limits.max_quarantined)
    if refused is None and len(people) < k:
        refused = f"{len(people)} usable people are fewer than folds.k = {k}"
    refused = refused or eval_refusal(survey.entries, n_eval, n_eval_unreadable, limits)
    refused = refused or (survey.corrections.refusal if survey.corrections else None)
    refused = refused or next((use.refusal for use in survey.external if use.refusal), None)
    return DatasetReport(
        root=survey.root,
        n_people=len(people),
        n_train=n_train,
        n_eval=n_eval,
        n_eval_unreadable=n_eval_unreadable,
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
        max_left_out=limits.max_quarantined,
        refusal=refused,
        corrections=survey.corrections,
        external=survey.external,
        n_litter=survey.n_litter,
        dataset_version=dataset_version(survey.manifest),
        images_version=images_version(survey.manifest),
        warnings=survey_warnings(survey, k),
    )


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
