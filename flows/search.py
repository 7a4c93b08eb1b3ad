"""Trials of a search, two side by side: each learns from the outcomes of all before, but for the one beside it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Final

from prefect.futures import PrefectFuture, as_completed
from prefect.logging import get_run_logger

from flows.fit import Ready
from flows.jobs import Jobs
from flows.plan import Plan
from flows.trials import PlannedTrial, StartedTrial, finished_trial, ready_for, tracked_trial
from flows.weights import find_weights
from maskfold import errors
from maskfold.launch.folder import find_failure, find_outcome
from maskfold.launch.monitor import JobEvent, announce
from maskfold.recipe import Recipe
from maskfold.specs import (
    AskSpec,
    PrepareOutcome,
    ScoreOutcome,
    ScoreSpec,
    SearchedTrial,
    Told,
    TrainFoldOutcome,
    TrainFoldSpec,
    Trial,
    trial_name,
)
from maskfold.study.budget import room_for_trial, time_of
from maskfold.study.plan import Variant
from maskfold.study.rules import is_hopeless
from maskfold.study.search import PROCESS, ask, seen_by
from maskfold.study.space import Drawn, Space

TOO_MANY: Final = 20
"""Failed trials in a row after which a search ends."""

Future = PrefectFuture[Any]
Steps = Generator[list[Future], None, SearchedTrial]
"""A trial under way: gives what it waits for, and returns what came of it."""


@dataclass
class Search:
    """The trials of one study.

    Args:
        plan: With the recipe as it is.
        space: What is searched.
        weights: Initial weights, as the user gave them.
        trials: How many at most, beside the recipe as it is.
        budget: Seconds; None has no limit.
        seed: Of the questions.
        jobs: Those of the study.
        places: Trainings that run side by side.
        study: Id of the study's record, below which the trials are shown.
    """

    plan: Plan
    space: Space
    weights: Sequence[str]
    trials: int
    budget: float | None
    seed: int
    jobs: Jobs
    places: int
    study: str
    rows: dict[int, SearchedTrial] = field(default_factory=dict)
    """What came of each trial, by number."""
    finished: dict[int, Trial] = field(default_factory=dict)
    """Those that were trained on all folds."""
    prepared: PrepareOutcome | None = None
    _took: dict[int, dict[str, float]] = field(default_factory=dict)
    """Seconds of the jobs of each trial, by key."""
    _before: float = 0.0
    """Seconds of the jobs before all trials, each of which has the whole machine."""
    _active: dict[int, tuple[Steps, list[Future]]] = field(default_factory=dict)
    _drawn: dict[int, Drawn | None] = field(default_factory=dict)
    _ready: dict[str, Ready] = field(default_factory=dict)
    _futures: dict[str, Future] = field(default_factory=dict)

    def run(self) -> None:
        """Make all trials that the budget allows.

        Raises:
            MaskfoldError: If the recipe as it is fails.
            CancelledError: If the study is stopped.
        """
        try:
            number = 0
            while number <= self.trials:
                self._finish(seen_by(number))
                if number and not self._goes_on(number, seen_by(number)):
                    self._finish(number)  # it may have been cheaper than expected
                    if not self._goes_on(number, number):
                        break
                self._start(number)
                number += 1
            self._finish(number)
        finally:
            for steps, _ in self._active.values():
                steps.close()

    def spent(self) -> float:
        """Return the seconds that all jobs took so far, as wall time: trainings share the machine."""
        return self._spent(len(self.rows))

    @property
    def taken(self) -> dict[str, float]:
        """Seconds of all jobs of the trials, by key."""
        return {key: seconds for some in self._took.values() for key, seconds in some.items()}

    def cost(self, number: int) -> float:
        """Return the seconds that a trial took by itself, as wall time."""
        return sum(self._took[number].values()) / self.places

    def plan_of(self, recipe: Recipe) -> Plan:
        """Return the plan of another recipe of the study."""
        own, base = ({(one.backbone, one.pretrained) for one in some.networks} for some in (recipe, self.plan.recipe))
        if own == base:
            return self.plan.with_recipe(recipe)
        return replace(self.plan, recipe=recipe, given_weights=find_weights(recipe, self.weights))

    def _spent(self, trials: int) -> float:
        return self._before + time_of([self._took[number] for number in range(trials)]) / self.places

    def _goes_on(self, number: int, seen: int) -> bool:
        if seen >= TOO_MANY and all(self.rows[one].state == "failed" for one in range(seen - TOO_MANY, seen)):
            get_run_logger().warning("the last %d trials failed: the search ends; see why, and narrow it", TOO_MANY)
            return False
        costs = [self.cost(one) for one in range(seen) if self.rows[one].state != "failed"]
        return room_for_trial(self.budget, self._spent(seen), number - seen, costs)

    def _start(self, number: int) -> None:
        drawn = self._ask(number) if number else self.space.drawn_by(self.plan.recipe)
        self._drawn[number], self._took[number] = drawn, {}
        self._resume(number, self._trial(number, drawn))

    def _ask(self, number: int) -> Drawn:
        seen = seen_by(number)
        history = [
            Told(drawn=self._drawn[one], state=self.rows[one].state, value=self.rows[one].macro_f1)
            for one in range(seen)
        ]
        history += [Told(drawn=self._drawn[one], state="running") for one in range(seen, number)]
        if number not in PROCESS:
            return ask(self.space, history, number, self.seed)
        spec = AskSpec(
            workspace=self.jobs.workspace.uri,
            space=dict(self.space.searched),
            history=tuple(history),
            number=number,
            seed=self.seed,
        )
        return self.jobs.run(spec).drawn

    def _resume(self, number: int, steps: Steps) -> None:
        try:
            self._active[number] = (steps, next(steps))
        except StopIteration as end:
            self._active.pop(number, None)
            self.rows[number] = end.value

    def _finish(self, count: int) -> None:
        """Go on with all trials until the first ``count`` are done."""
        while any(number < count for number in self._active):
            done: set[Any] = set()
            for future in as_completed(list({future for _, some in self._active.values() for future in some})):
                done.add(future.task_run_id)
                ready = [
                    number
                    for number, (_, waiting) in self._active.items()
                    if all(one.task_run_id in done for one in waiting)
                ]
                if ready:
                    self._resume(ready[0], self._active[ready[0]][0])
                    break

    def _trial(self, number: int, drawn: Drawn | None) -> Steps:
        base = self.plan.recipe
        shown = self.space.shown(base, drawn) if number and drawn else ()
        row = SearchedTrial(number=number, drawn=drawn, set=shown, state="failed")
        try:
            recipe = self.space.apply(base, drawn) if number and drawn else base
            planned = PlannedTrial(Variant(name=row.name, set=shown), 0, self.plan_of(recipe))
            with tracked_trial(planned, self.study) as tracker:
                found = yield from self._trained(number, row, planned, replace(self.jobs, tracker=tracker))
        except errors.CancelledError:
            raise
        except errors.MaskfoldError as error:
            if not number or error.exit_code == errors.EXIT_UNAVAILABLE:  # that no other trial can do without
                raise
            text = f"{row.name} failed: {error}"
            get_run_logger().warning("%s (%s)", text, " ".join(shown))
            announce(JobEvent(row.name, "warning", message=text))
            found = row.model_copy(update={"reason": str(error)})
        return found.model_copy(update={"seconds": sum(self._took[number].values())})

    def _trained(self, number: int, row: SearchedTrial, planned: PlannedTrial, own: Jobs) -> Steps:
        ready = ready_for(planned, own, self._ready)
        if self.prepared is None:
            self.prepared, self._before = ready.prepared, ready.prepared.seconds + ready.cropped.seconds
        asked = planned.plan.train_folds(ready.prepared, ready.cropped, ready.weights)
        specs = [spec.model_copy(update={"trial": trial_name(number)}) for spec in asked]
        own.tracker.add(specs)
        # The recipe as it is needs all of its folds anyway.
        first = [spec for spec in specs if spec.fold == 0] if number else specs
        trained = yield from self._train(number, first, own)
        if number:
            some = finished_trial(StartedTrial(planned, own, first), trained)
            scored = yield from self._score(number, some, (0,), own)
            if is_hopeless(scored.difference, scored.error):
                return _scored(row, scored, "pruned")
            rest = [spec for spec in specs if spec.fold != 0]
            trained = [*trained, *(yield from self._train(number, rest, own))]
            first = [*first, *rest]
        whole = finished_trial(StartedTrial(planned, own, first), trained)
        scored = yield from self._score(number, whole, tuple(range(planned.plan.recipe.folds.k)), own)
        self.finished[number] = whole
        return _scored(row, scored, "complete")

    def _train(
        self, number: int, specs: Sequence[TrainFoldSpec], own: Jobs
    ) -> Generator[list[Future], None, list[TrainFoldOutcome]]:
        """Train side by side; if one fails, raise its error when the others are done."""
        known = _known_failure(own, specs) if number else None
        if known is None:
            for spec in specs:
                if spec.key not in self._futures:
                    self._futures[spec.key] = own.submit(own.tracker.follow(spec))
            yield [self._futures[spec.key] for spec in specs]
        # A failed training left no time; without any, a search whose trials fail would never end.
        usual = fmean(self._took[0].values()) if self._took[0] else 0.0
        outcomes = list[TrainFoldOutcome]()
        failure = known
        for spec in specs:
            try:
                outcome = find_outcome(own.workspace, spec) if known else own.collect(spec, self._futures[spec.key])
            except errors.MaskfoldError as error:
                failure, outcome = failure or error, None
            self._took[number][spec.key] = outcome.seconds if outcome else usual
            outcomes += [outcome] if outcome else []
        if failure is not None:
            raise failure
        return outcomes

    def _score(
        self, number: int, trial: Trial, folds: tuple[int, ...], own: Jobs
    ) -> Generator[list[Future], None, ScoreOutcome]:
        if self.prepared is None:
            raise ValueError("nothing is prepared")
        spec = ScoreSpec(
            workspace=own.workspace.uri,
            trial=trial,
            base=self.finished[0] if number else None,
            folds=folds,
            prepared=self.prepared,
            dataset_version=self.prepared.dataset_version,
            folds_version=self.prepared.folds_version,
        )
        own.tracker.add([spec])
        future = own.submit(spec)
        yield [future]
        outcome = own.collect(spec, future)
        self._took[number][spec.key] = outcome.seconds
        return outcome


def _scored(row: SearchedTrial, scored: ScoreOutcome, state: str) -> SearchedTrial:
    found = {"macro_f1": scored.macro_f1, "difference": scored.difference, "error": scored.error, "state": state}
    return row.model_copy(update=found)


def _known_failure(jobs: Jobs, specs: Sequence[TrainFoldSpec]) -> errors.MaskfoldError | None:
    """Return why a training failed on its settings in an earlier run: it would fail again."""
    for spec in specs:
        failure = find_failure(jobs.workspace, spec.address)
        if failure is not None and (failure.exit_code == errors.EXIT_INPUT or "OutOfMemory" in failure.kind):
            return errors.JobFailedError(f"{spec.label}: {failure.message}", failure.exit_code)
    return None
