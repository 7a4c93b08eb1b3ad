"""What a person should know of a data set before training: warnings, most urgent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from maskfold.dataset.corrections import CorrectionsUse
from maskfold.dataset.external import ExternalUse
from maskfold.dataset.folds import small_strata
from maskfold.dataset.manifest import class_counts, eval_rows, people_table, strata
from maskfold.dataset.quarantine import KINDS, UNREADABLE, Entry, n_left_out, of_data_set, share_left_out
from maskfold.dataset.survey import Survey
from maskfold.wording import first_few

_N_NAMED = 3
_N_STRATA = 6
"""Small strata that are named one by one."""


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
        named = [str(entry) for entry in survey.entries if entry.part == "eval" and entry.kind in UNREADABLE]
        yield (
            f"{len(unreadable)} of {len(evaluation)} evaluation images cannot be read; they get the prior as their "
            f"prediction: {_some(named)}"
        )
    cut_off = [entry.where for entry in survey.entries if entry.kind == "cut-off"]
    if cut_off:
        yield (
            f"{len(cut_off)} evaluation images lack their end; they are predicted on the part that decodes: "
            f"{_some(cut_off)}"
        )


def _note_warnings(survey: Survey) -> Iterable[str]:
    same = [str(entry) for entry in survey.entries if entry.kind == "same-photograph"]
    if same:
        yield (
            f"{len(same)} photographs are under several people or in both parts; scores may be too high: {_some(same)}"
        )
    skipped = [str(entry) for entry in survey.entries if entry.part == "eval" and entry.kind == "not-a-photograph"]
    if skipped:
        yield f"{len(skipped)} files in the evaluation folders get no answer: {_some(skipped)}"
    repeated = [str(entry) for entry in survey.entries if entry.part == "eval" and entry.kind == "repeated-row"]
    if repeated:
        yield f"{len(repeated)} rows ask for an evaluation image once more and get no answer: {_some(repeated)}"
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


def _some(names: Sequence[str]) -> str:
    return first_few(names, _N_NAMED, separator="; ")
