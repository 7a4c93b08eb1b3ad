"""Variants of a recipe against the recipe as it is, on the same folds; the best parts are merged and confirmed."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Self, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.fit import launching, tracked
from flows.plan import Plan, plan_run
from flows.server import recorded_here
from flows.stoppable import stoppable
from flows.tables import show_table
from flows.trials import FinishedTrials, PlannedTrial, run_trials
from maskfold.launch import make_launcher
from maskfold.pace import ExpectedJob
from maskfold.redaction import redact_logs
from maskfold.specs import CompareOutcome, CompareSpec, VariantScore
from maskfold.study.plan import BASE, Study, Variant, with_seed

MERGED = "merged"
"""Name of the variant that has the best part of every factor."""
_SHORT_S, _LONG_S = 5.0, 30.0
"""Seconds of a job, about; only their ratio counts until the first ones are done."""


@dataclass(frozen=True)
class Comparison:
    """What is compared, checked before anything starts."""

    study: Study
    data: str
    workspace: str
    weights: tuple[str, ...]
    base: Plan
    variants: tuple[tuple[Variant, Plan], ...]
    """All, the base first."""

    @classmethod
    def make(cls, study: Study, data: str, workspace: str, weights: tuple[str, ...] = ()) -> Self:
        """Plan every variant; write nothing.

        Raises:
            InputError: If anything the user gave is wrong, such as a setting of a variant.
            UnavailableError: If the storage cannot be reached.
        """
        variants = tuple(
            (variant, plan_run(data, workspace, study.recipe, (*study.set, *variant.set), weights))
            for variant in study.expand()
        )
        return cls(study, data, workspace, weights, variants[0][1], variants)

    def trials(self) -> list[PlannedTrial]:
        """Return every variant with every seed."""
        return _with_seeds(self.variants, range(self.study.seeds))

    def trainings(self) -> list[str]:
        """Return the labels of all trainings; one that several trials share has that of the first."""
        found: dict[str, str] = {}
        for trial in self.trials():
            recipe = trial.plan.recipe
            for network in recipe.networks:
                determining = (network.model_dump(mode="json", exclude={"name"}), recipe.crop, recipe.folds)
                for fold in range(recipe.folds.k):
                    label = f"train_fold {network.name} {fold + 1}/{recipe.folds.k}, {trial.label}"
                    found.setdefault(repr((*determining, fold)), label)
        return list(found.values())

    def expected(self) -> list[ExpectedJob]:
        """Return the jobs until the first comparison, for a progress display."""
        before = [ExpectedJob(name, seconds=_SHORT_S) for name in ("networks", "prepare", "crop")]
        trainings = [ExpectedJob(label, seconds=_LONG_S) for label in self.trainings()]
        return [*before, *trainings, ExpectedJob("compare", seconds=_SHORT_S)]

    def confirmation(self, merged: tuple[str, ...]) -> list[PlannedTrial]:
        """Return the base and the merged recipe, with seeds that nothing was chosen by."""
        plan = plan_run(self.data, self.workspace, self.study.recipe, (*self.study.set, *merged), self.weights)
        pair = ((Variant(name=BASE), self.base), (Variant(name=MERGED, set=merged), plan))
        return _with_seeds(pair, range(self.study.seeds, 2 * self.study.seeds))


def compare_here(comparison: Comparison, shown: AbstractContextManager[object], launcher: str) -> dict[str, Any]:
    """Run the flow in this process.

    Args:
        comparison: What to compare.
        shown: Entered when the server is up: shows the progress.
        launcher: ``local`` or ``pool:NAME``.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If it was asked to stop.
    """
    with recorded_here(shown):
        return cast(
            "dict[str, Any]",
            compare(
                data=comparison.data,
                workspace=comparison.workspace,
                study=comparison.study.model_dump(mode="json"),
                weights=list(comparison.weights),
                launcher=launcher,
            ),
        )


def _run_name() -> str:
    given = flow_run.parameters
    return f"{given['study'].get('name', 'comparison')} {PurePath(given['data']).name}"


@flow(name="compare", flow_run_name=_run_name)
def compare(
    data: str, workspace: str, study: dict[str, Any], weights: list[str] = [], launcher: str = "local"
) -> dict[str, Any] | State[dict[str, Any]]:
    """Train variants of a recipe on the same folds, compare them with the recipe as it is, confirm what wins.

    Trainings that are in the workspace already cost nothing, so that running again continues an interrupted study.

    Args:
        data: Data set: a folder, file:// or s3://bucket/prefix; or a table (csv, parquet) in it.
        workspace: Where all results go: a folder, file:// or s3://bucket/prefix.
        study: What to compare, as in a study file: recipe, set, vary or variants, grid, seeds.
        weights: Initial weights: a folder (URI) of BACKBONE.safetensors, or BACKBONE=URI.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.

    Returns:
        ``variants`` and, where something won, ``confirmation``: name, macro_f1, difference, low, high and wins each;
        URIs of ``page``, ``table`` and ``curves``, and of ``winner``, the recipe to go on with; whether it is
        ``adopted``; ``failed`` trials with their reasons; ``seconds`` of wall time.
    """
    redact_logs()
    comparison = Comparison.make(Study.model_validate(study), data, workspace, tuple(weights))
    return stoppable(lambda: _compare(comparison, launcher))


def _compare(comparison: Comparison, launcher: str) -> dict[str, Any]:
    began, plan = time.monotonic(), comparison.base
    started = make_launcher(launcher, jobs=len(comparison.trainings()))
    name = f"{comparison.study.name} {PurePath(plan.data).name}"
    with tracked(plan, name) as tracker, launching(plan, started, tracker) as jobs:
        tried = run_trials(comparison.trials(), jobs, tracker.id)
        outcome = screened = jobs.run(_spec(comparison, tried))
        failed = dict(tried.failed)
        merged = merge(screened.variants)
        if merged:
            confirmed = run_trials(comparison.confirmation(merged), jobs, tracker.id)
            failed |= confirmed.failed
            if len(confirmed.trials) == 2 * comparison.study.seeds:
                outcome = jobs.run(_spec(comparison, confirmed, screened.variants))
    _show(outcome, screened)
    locate = plan.workspace.locate
    return {
        "workspace": plan.workspace.uri,
        "variants": [_row(one) for one in screened.variants],
        "confirmation": [_row(one) for one in outcome.variants] if outcome is not screened else None,
        "adopted": outcome.adopted,
        "winner": outcome.winner and locate(outcome.winner.path),
        "page": locate(outcome.page.path),
        "table": locate(screened.table.path),
        "curves": locate(screened.curves.path),
        "failed": failed,
        "run": tracker.id,
        "mlflow_run_id": tracker.run_id,
        "seconds": round(time.monotonic() - began, 1),
    }


def merge(variants: tuple[VariantScore, ...]) -> tuple[str, ...]:
    """Return the settings of the best winner of every factor together.

    Named variants and combinations change several settings, which may contradict those of others: of these the best one
    alone is taken, where no single factor wins.
    """
    best: dict[str, VariantScore] = {}
    for one in sorted(variants, key=lambda one: one.difference):
        if one.wins:
            best[one.factor] = one
    whole = best.pop("", None)
    if not best:
        return whole.set if whole else ()
    return tuple(setting for factor in sorted(best) for setting in best[factor].set)


def _with_seeds(variants: tuple[tuple[Variant, Plan], ...], seeds: range) -> list[PlannedTrial]:
    return [
        PlannedTrial(variant, seed, plan.with_recipe(with_seed(plan.recipe, seed)))
        for variant, plan in variants
        for seed in seeds
    ]


def _spec(comparison: Comparison, tried: FinishedTrials, screened: tuple[VariantScore, ...] = ()) -> CompareSpec:
    """Return the job that compares; a variant of which a seed failed is left out."""
    counts: dict[str, int] = {}
    for trial in tried.trials:
        counts[trial.variant] = counts.get(trial.variant, 0) + 1
    return CompareSpec(
        workspace=comparison.base.workspace.uri,
        study=comparison.study.name,
        trials=tuple(trial for trial in tried.trials if counts[trial.variant] == comparison.study.seeds),
        screened=screened,
        prepared=tried.prepared,
        dataset_version=tried.prepared.dataset_version,
        folds_version=tried.prepared.folds_version,
    )


def _show(outcome: CompareOutcome, screened: CompareOutcome) -> None:
    rows = [_row(one) for one in screened.variants]
    rows += [_row(one) | {"name": f"confirmation: {one.name}"} for one in outcome.variants if outcome is not screened]
    show_table("variants", rows, "Variants against the base")


def _row(one: VariantScore) -> dict[str, Any]:
    return {
        "name": one.name,
        "macro_f1": round(one.macro_f1, 4),
        "difference": round(one.difference, 4),
        "low": round(one.low, 4),
        "high": round(one.high, 4),
        "by_seed": [round(value, 4) for value in one.by_seed],
        "wins": one.wins,
        "set": list(one.set),
    }
