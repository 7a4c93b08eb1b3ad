"""A search for better settings of a recipe, within a budget; adopted is only what fresh seeds confirm."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Self, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.confirmation import confirm, tuned
from flows.fit import launching, tracked
from flows.plan import Plan, plan_run
from flows.search import Search
from flows.server import recorded_here
from flows.stoppable import stoppable
from flows.tables import show_table
from maskfold.errors import InputError
from maskfold.launch import make_launcher
from maskfold.redaction import redact_logs
from maskfold.specs import SearchedTrial, TuneOutcome, VariantScore
from maskfold.study.budget import MOST_TRIALS, parse_budget, plan_confirmation
from maskfold.study.rules import candidates
from maskfold.study.search import BESIDE
from maskfold.study.space import Space, default_space, make_space


@dataclass(frozen=True)
class Tuning:
    """What is searched, checked before anything starts."""

    base: Plan
    space: Space
    budget: float | None
    """Seconds; None has no limit."""
    trials: int
    """How many at most, beside the recipe as it is."""
    seed: int
    weights: tuple[str, ...]
    given: Mapping[str, Any]
    """Parameters of the flow."""

    @classmethod
    def make(
        cls,
        data: str,
        workspace: str,
        recipe: str = "fast",
        set: tuple[str, ...] = (),
        weights: tuple[str, ...] = (),
        budget: str = "",
        trials: int | None = None,
        space: Mapping[str, Any] | None = None,
        seed: int = 0,
        where: str = "space",
    ) -> Self:
        """Plan the search; write nothing.

        Args:
            data: Data set.
            workspace: Where all results go.
            recipe: A preset or a YAML file.
            set: Single settings of it.
            weights: Initial weights.
            budget: Such as ``45m``; empty has no limit.
            trials: How many at most; None leaves it to the budget.
            space: See :func:`maskfold.study.space.make_space`; none takes the default.
            seed: Of the search.
            where: Where the space is from, for messages.

        Raises:
            InputError: If anything the user gave is wrong, such as a key of the space.
            UnavailableError: If the storage cannot be reached.
        """
        seconds = parse_budget(budget) if budget else None
        if seconds is None and trials is None:
            raise InputError("how long may it take? Set --budget, such as 45m or 2h, or --trials, or both")
        if trials is not None and not 1 <= trials <= MOST_TRIALS:
            raise InputError(f"--trials {trials}: expected a number from 1 to {MOST_TRIALS}")
        searched = make_space(space, where) if space else default_space(recipe)
        plan = plan_run(data, workspace, recipe, set, weights)
        searched.check(plan.recipe, where if space else "the space that ships with maskfold; name one with --space")
        given = {
            "data": data,
            "workspace": workspace,
            "recipe": recipe,
            "set": list(set),
            "weights": list(weights),
            "budget": budget,
            "trials": trials,
            "space": dict(space or {}),
            "seed": seed,
        }
        return cls(plan, searched, seconds, trials or MOST_TRIALS, seed, weights, given)

    @property
    def trainings(self) -> int:
        """Trainings of one trial."""
        return len(self.base.recipe.networks) * self.base.recipe.folds.k


def tune_here(tuning: Tuning, shown: AbstractContextManager[object], launcher: str) -> dict[str, Any]:
    """Run the flow in this process.

    Args:
        tuning: What to search.
        shown: Entered when the server is up: shows the progress.
        launcher: ``local`` or ``pool:NAME``.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If it was asked to stop.
    """
    with recorded_here(shown):
        return cast("dict[str, Any]", tune(**tuning.given, launcher=launcher))


def _run_name() -> str:
    given = flow_run.parameters
    return f"tune {PurePath(given['recipe']).stem} {PurePath(given['data']).name}"


@flow(name="tune", flow_run_name=_run_name)
def tune(
    data: str,
    workspace: str,
    recipe: str = "fast",
    set: list[str] = [],
    weights: list[str] = [],
    budget: str = "",
    trials: int | None = None,
    space: dict[str, Any] = {},
    seed: int = 0,
    launcher: str = "local",
) -> dict[str, Any] | State[dict[str, Any]]:
    """Search better settings of a recipe within a budget, and confirm them with fresh seeds.

    Trainings that are in the workspace already cost nothing, so that running again, also with a larger budget,
    continues an interrupted search.

    Args:
        data: Data set: a folder, file:// or s3://bucket/prefix; or a table (csv, parquet) in it.
        workspace: Where all results go: a folder, file:// or s3://bucket/prefix.
        recipe: A preset (smoke, fast, good, best, hot6) or the path of a YAML file.
        set: Single settings of the recipe, dotted.key=value each.
        weights: Initial weights: a folder (URI) of BACKBONE.safetensors, or BACKBONE=URI.
        budget: Time that all jobs may take, such as 45m or 2h; empty for no limit, then trials says how many.
        trials: How many trials at most; none leaves it to the budget.
        space: What to search: keys of the recipe with low and high, or choices; empty takes the one that ships.
        seed: Of the search.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.

    Returns:
        ``trials`` and ``confirmation``, a row each; whether the best is ``adopted``, its ``gain`` with ``low`` and
        ``high``; URIs of ``winner``, the recipe to go on with, ``page`` and ``table``; ``spent`` and ``budget`` in
        seconds; ``failed`` trials with their reasons; ``seconds`` of wall time.
    """
    redact_logs()
    tuning = Tuning.make(data, workspace, recipe, tuple(set), tuple(weights), budget, trials, space, seed)
    return stoppable(lambda: _tune(tuning, launcher))


def _tune(tuning: Tuning, launcher: str) -> dict[str, Any]:
    began, plan = time.monotonic(), tuning.base
    started = make_launcher(launcher, jobs=BESIDE * tuning.trainings)
    # A pool's places are not known: there the budget is for the time of all jobs together.
    places = started.places or 1
    name = f"tune {plan.recipe.name} {PurePath(plan.data).name}"
    with tracked(plan, name) as tracker, launching(plan, started, tracker) as jobs:
        search = Search(
            plan, tuning.space, tuning.weights, tuning.trials, tuning.budget, tuning.seed, jobs, places, tracker.id
        )
        search.run()
        best = candidates([search.rows[number] for number in sorted(search.rows)])
        left = None if tuning.budget is None else tuning.budget - search.spent()
        asked = plan_confirmation(left, search.cost(0), [search.cost(one.number) for one in best])
        confirmation, failed = confirm(search, best, asked)
        spent = search.spent() + sum(one.seconds for trial in confirmation for one in trial.trained) / places
        outcome = jobs.run(tuned(search, confirmation, name, tuning.budget, spent))
    rows = [search.rows[number] for number in sorted(search.rows)]
    _show(rows, outcome)
    locate = plan.workspace.locate
    return {
        "workspace": plan.workspace.uri,
        "trials": [_row(one) for one in rows],
        "confirmation": [_confirmed(one) for one in outcome.confirmed],
        "adopted": outcome.adopted,
        "gain": round(outcome.gain, 4),
        "low": round(outcome.low, 4),
        "high": round(outcome.high, 4),
        "winner": locate(outcome.winner.path),
        "page": locate(outcome.page.path),
        "table": locate(outcome.table.path),
        "csv": locate(outcome.csv.path),
        "failed": {**{one.name: one.reason for one in rows if one.state == "failed"}, **failed},
        "budget": tuning.budget,
        "spent": round(spent, 1),
        "run": tracker.id,
        "mlflow_run_id": tracker.run_id,
        "seconds": round(time.monotonic() - began, 1),
    }


def _show(rows: list[SearchedTrial], outcome: TuneOutcome) -> None:
    show_table("trials", [_row(one) for one in rows], "All trials of the search")
    if outcome.confirmed:
        show_table("confirmation", [_confirmed(one) for one in outcome.confirmed], "The best trials, with fresh seeds")


def _row(one: SearchedTrial) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "macro_f1": None if one.macro_f1 is None else round(one.macro_f1, 4),
        "difference": None if one.difference is None else round(one.difference, 4),
        "set": list(one.set),
        "seconds": round(one.seconds, 1),
        "reason": one.reason,
    }


def _confirmed(one: VariantScore) -> dict[str, Any]:
    return {
        "name": one.name,
        "macro_f1": round(one.macro_f1, 4),
        "difference": round(one.difference, 4),
        "low": round(one.low, 4),
        "high": round(one.high, 4),
        "by_seed": [round(value, 4) for value in one.by_seed],
        "set": list(one.set),
    }
