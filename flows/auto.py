"""The best sound ensemble that fits a budget, without a recipe: look, plan, search, train, select, vote."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final, Self, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.ensembles import Chosen, choose_settings, grow, select_voters
from flows.fit import tracked
from flows.jobs import Jobs, NoTracker, launched
from flows.looking import Looked, candidates, look, machine_of
from flows.plan import Plan
from flows.server import recorded_here
from flows.stoppable import stoppable
from flows.tables import show_table
from flows.train import conclude
from maskfold import discovery
from maskfold.errors import InputError
from maskfold.launch import make_launcher, pool_of
from maskfold.launch.slots import visible_gpus
from maskfold.recipe import Recipe
from maskfold.redaction import redact_logs
from maskfold.study.budget import parse_budget
from maskfold.study.portfolio import FILLED, Portfolio, choose, ladder
from maskfold.wording import duration

PRESET: Final = "fast"
"""Its networks are the pattern of those that are chosen."""
SIDE_BY_SIDE: Final = 1000
"""Trainings at a time, at most: as many as the machine has places."""
_CHOSEN: Final = ("networks", "ensemble", "crop.face_size", "crop.portrait_size", "final_fit", "name", "description")
"""Settings that a plan chooses."""

Told = Callable[[Portfolio], None]
_told: ContextVar[Told | None] = ContextVar("told", default=None)
_only_plan: ContextVar[bool] = ContextVar("only_plan", default=False)


@dataclass(frozen=True)
class Automation:
    """What is asked for, checked before anything starts."""

    plan: Plan
    """With a network for each candidate."""
    base: Recipe
    """The preset, fitted to the data set."""
    budget: float
    """Seconds."""
    k: int | None
    """Number of folds, where it is given."""
    given: Mapping[str, Any]
    """Parameters of the flow."""

    @classmethod
    def make(
        cls,
        data: str,
        workspace: str,
        budget: str,
        set: tuple[str, ...] = (),
        weights: tuple[str, ...] = (),
        launcher: str = "local",
    ) -> Self:
        """Check everything that can be checked without a job; write nothing.

        Args:
            data: Data set.
            workspace: Where all results go.
            budget: Such as ``2h``.
            set: Settings of the data set.
            weights: Initial weights.
            launcher: Where jobs run.

        Raises:
            InputError: If anything the user gave is wrong.
            UnavailableError: If the storage cannot be reached.
        """
        seconds = parse_budget(budget)
        keys = [text.partition("=")[0].strip() for text in set]
        for key in keys:
            if any(key == one or key.startswith(f"{one}.") for one in _CHOSEN):
                raise InputError(
                    f"--set {key}: auto chooses this itself; --set is for settings of the data set, such as "
                    "dataset.*, scheme.*, crop.margins or folds.k. To choose networks yourself, use `maskfold run`"
                )
        found, base = discovery.load(data, PRESET, set)
        gpu = pool_of(launcher) is not None or bool(visible_gpus())
        plan = Plan.make(found.data, workspace, candidates(base, weights, gpu), weights, found.said)
        given = {"data": data, "workspace": workspace, "budget": budget, "set": list(set), "weights": list(weights)}
        return cls(plan, base, seconds, base.folds.k if "folds.k" in keys else None, given)


def auto_here(
    automation: Automation,
    shown: AbstractContextManager[object],
    launcher: str,
    told: Told | None = None,
    *,
    only_plan: bool = False,
) -> dict[str, Any]:
    """Run the flow in this process.

    Args:
        automation: What is asked for.
        shown: Entered when the server is up: shows the progress.
        launcher: ``local`` or ``pool:NAME``.
        told: Is called with the plan before it starts.
        only_plan: Whether to end then.

    Raises:
        MaskfoldError: As jobs and servers raise it.
        Stopped: If it was asked to stop.
    """
    with recorded_here(shown), _telling(told, only_plan):
        return cast("dict[str, Any]", auto(**automation.given, launcher=launcher))


@contextlib.contextmanager
def _telling(told: Told | None, only_plan: bool) -> Iterator[None]:
    tokens = _told.set(told), _only_plan.set(only_plan)
    try:
        yield
    finally:
        _told.reset(tokens[0])
        _only_plan.reset(tokens[1])


def _run_name() -> str:
    return f"auto {flow_run.parameters['budget']} {PurePath(flow_run.parameters['data']).name}"


@flow(name="auto", flow_run_name=_run_name)
def auto(
    data: str,
    workspace: str,
    budget: str,
    set: list[str] = [],
    weights: list[str] = [],
    launcher: str = "local",
) -> dict[str, Any] | State[dict[str, Any]]:
    """Choose, train and combine the networks that fit a budget, and publish the submission.

    Measurements and trainings are kept in the workspace: running again continues an interrupted run with the same plan;
    a larger budget plans anew and uses what is there.

    Args:
        data: Data set: a folder, file:// or s3://bucket/prefix; or a table (csv, parquet) in it.
        workspace: Where all results go: a folder, file:// or s3://bucket/prefix.
        budget: Time for everything, such as 45m or 2h.
        set: Settings of the data set, dotted.key=value each, such as folds.k=5.
        weights: Initial weights: a folder (URI) of BACKBONE.safetensors, or BACKBONE=URI. Only networks with weights
            are chosen then; without any, weights are looked for on timm's hub.
        launcher: Where jobs run: local, or pool:NAME for a Prefect work pool.

    Returns:
        What the flow train returns, and ``plan`` with its ``stages``; ``budget`` and ``planned`` seconds,
        ``trained_seconds``; ``networks`` that vote, ``left_out`` for lack of time; ``search`` and ``selection``, None
        where there was none.
    """
    redact_logs()
    automation = Automation.make(data, workspace, budget, tuple(set), tuple(weights), launcher)
    return stoppable(lambda: _auto(automation, launcher))


def _auto(automation: Automation, launcher: str) -> dict[str, Any]:
    began, plan = time.monotonic(), automation.plan
    started = make_launcher(launcher, jobs=SIDE_BY_SIDE)
    with launched(plan.workspace, started, plan.recipe.max_job_restarts, NoTracker()) as jobs:
        looked = look(plan, automation.base, jobs, launcher, automation.budget, automation.k)
        portfolio = _planned(automation, looked)
        _say(portfolio, automation, launcher)
        if _only_plan.get():
            return {"workspace": plan.workspace.uri, **_shown(portfolio, automation)}
        ensemble = _train(automation, looked, portfolio, jobs)
        with tracked(ensemble.plan, f"auto {PurePath(plan.data).name}") as tracker:
            summary = conclude(ensemble.plan, replace(jobs, tracker=tracker), tracker, began)
    return {**summary, **_shown(portfolio, automation), **ensemble.said}


@dataclass(frozen=True)
class _Ensemble:
    plan: Plan
    said: dict[str, Any]


def _train(automation: Automation, looked: Looked, portfolio: Portfolio, jobs: Jobs) -> _Ensemble:
    """Do all trainings; return the plan of the ensemble, whose jobs then find them done."""
    chosen = Chosen.make(automation.plan, automation.base, looked, portfolio)
    places = jobs.launcher.places or 1
    with tracked(chosen.plan, f"auto trainings {PurePath(automation.plan.data).name}") as tracker:
        own = replace(jobs, tracker=tracker)
        tracker.add(looked.jobs)
        for spec in looked.jobs:
            tracker.done(spec, reused=spec.key in jobs.reused)
        found = choose_settings(chosen, own, places, tracker.id) if portfolio.trials else None
        if found is not None and found.settings is not None:
            chosen = chosen.with_settings(found.settings)
        taken = found.taken if found is not None else {}
        grown = grow(chosen, own, places, automation.budget, taken)
        plan = chosen.first(grown.voters)
        selected = select_voters(plan, grown, own)
    if selected is not None and selected.adopted:
        recipe = plan.recipe.model_copy(
            update={"ensemble": plan.recipe.ensemble.model_copy(update={"weights": selected.weights})}
        )
        plan = plan.with_recipe(recipe)
    names = [network.name for network in plan.recipe.networks]
    voting = [name for name in names if plan.recipe.has_a_say(name)]
    trained = sum({**taken, **grown.taken}.values()) / places
    said = {
        "networks": voting,
        "left_out": [network.name for network in chosen.plan.recipe.networks if network.name not in names],
        "search": found.said if found is not None else None,
        "selection": selected.model_dump(exclude={"seconds"}) if selected is not None else None,
        "trained_seconds": round(trained, 1),
    }
    return _Ensemble(plan, said)


def _planned(automation: Automation, looked: Looked) -> Portfolio:
    found = choose(looked.facts, automation.budget)
    if found is None:
        rungs = ladder(looked.facts)
        least = duration(rungs[0].seconds / FILLED + 1) if rungs else "longer"
        raise InputError(
            f"--budget {automation.given['budget']}: too short: on this machine the smallest ensemble of this data set "
            f"takes about {least}; allow that at least"
        )
    return found


def _say(portfolio: Portfolio, automation: Automation, launcher: str) -> None:
    """Show the plan before it starts."""
    log = get_run_logger()
    for line in described(portfolio, automation.budget, machine_of(launcher)):
        log.info("%s", line)
    told = _told.get()
    if told is not None:
        told(portfolio)
    table = [{"part": stage.name, "seconds": round(stage.seconds, 1)} for stage in portfolio.stages]
    show_table("plan", table, "What is planned, and about how long it takes")


def described(portfolio: Portfolio, budget: float, machine: str) -> list[str]:
    """Return the plan in lines for people."""
    height, width = portfolio.size
    seeds = f", each with {portfolio.seeds} seeds" if portfolio.seeds > 1 else ""
    singles = f"{portfolio.attributes} for each attribute" if portfolio.attributes else "none for single attributes"
    lines = [
        f"machine: {machine}",
        f"joint networks: {', '.join(portfolio.joint)}; {singles}{seeds}",
        f"inputs of {height} x {width} pixels, {portfolio.epochs} epochs, {portfolio.k} folds",
    ]
    if portfolio.trials:
        lines.append(f"search: {portfolio.trials} trials for the first network, the best confirmed with fresh seeds")
    lines += [f"about {duration(stage.seconds)}: {stage.name}" for stage in portfolio.stages]
    return [*lines, f"about {duration(portfolio.seconds)} of {duration(budget)} in all"]


def _shown(portfolio: Portfolio, automation: Automation) -> dict[str, Any]:
    return {
        "budget": automation.budget,
        "planned": round(portfolio.seconds, 1),
        "plan": {
            "size": list(portfolio.size),
            "joint": list(portfolio.joint),
            "attributes": portfolio.attributes,
            "epochs": portfolio.epochs,
            "folds": portfolio.k,
            "seeds": portfolio.seeds,
            "trials": portfolio.trials,
            "stages": {stage.name: round(stage.seconds, 1) for stage in portfolio.stages},
        },
    }
