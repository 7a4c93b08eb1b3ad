"""What a search found, trained again with fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence

from flows.search import Search
from flows.trials import PlannedTrial, run_trials
from maskfold.specs import SearchedTrial, Trial, TuneSpec
from maskfold.study.budget import Confirmation
from maskfold.study.plan import BASE, Variant, with_seed


def confirm(
    search: Search, best: Sequence[SearchedTrial], asked: Confirmation
) -> tuple[tuple[Trial, ...], dict[str, str]]:
    """Train the best trials and the recipe as it is again with fresh seeds.

    Args:
        search: A finished search.
        best: Its trials that scored above the recipe as it is, the best first.
        asked: How many of them, and seeds.

    Returns:
        The trials, the recipe as it is first, none if no other was trained with all seeds; why others failed, by label.
    """
    if not asked.candidates:
        return (), {}
    chosen = [(Variant(name=BASE), search.finished[0].recipe)]
    chosen += [(Variant(name=one.name, set=one.set), search.finished[one.number].recipe) for one in best]
    planned = [
        PlannedTrial(variant, seed, search.plan_of(with_seed(recipe, seed)))
        for variant, recipe in chosen[: 1 + asked.candidates]
        for seed in range(1, 1 + asked.seeds)  # the search has used seed 0
    ]
    tried = run_trials(planned, search.jobs, search.study)
    names = [trial.variant for trial in tried.trials]
    kept = tuple(trial for trial in tried.trials if names.count(trial.variant) == asked.seeds)
    return (kept if len({trial.variant for trial in kept}) > 1 else ()), tried.failed


def tuned(search: Search, confirmation: Sequence[Trial], name: str, budget: float | None, spent: float) -> TuneSpec:
    """Return the job that says what a search gained.

    Args:
        search: A finished search.
        confirmation: See :func:`confirm`.
        name: Of the study, for people.
        budget: Seconds; None has no limit.
        spent: Seconds.
    """
    if search.prepared is None:
        raise ValueError("nothing was tried")
    return TuneSpec(
        workspace=search.jobs.workspace.uri,
        study=name,
        base=search.plan.recipe,
        space=dict(search.space.searched),
        trials=tuple(search.rows[number] for number in sorted(search.rows)),
        confirmation=tuple(confirmation),
        budget=budget,
        spent=spent,
        prepared=search.prepared,
        dataset_version=search.prepared.dataset_version,
        folds_version=search.prepared.folds_version,
    )
