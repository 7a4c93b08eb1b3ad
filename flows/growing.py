"""Networks of an ensemble, trained voter by voter for as long as the budget has room for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from flows.fit import make_ready
from flows.jobs import Jobs
from flows.plan import Plan
from maskfold.launch.monitor import JobEvent, announce
from maskfold.recipe import Network
from maskfold.specs import PrepareOutcome, TrainFoldOutcome, TrainFoldSpec

AHEAD = 2
"""Voters under way at a time, so that no place is idle while the last training of one ends."""


@dataclass(frozen=True)
class Grown:
    """What was trained."""

    voters: int
    """The first so many; the budget had no room for the others."""
    trained: tuple[TrainFoldOutcome, ...]
    """Network by network, fold by fold."""
    trained_keys: tuple[str, ...]
    prepared: PrepareOutcome

    @property
    def taken(self) -> dict[str, float]:
        """Seconds of all trainings, by key."""
        return {key: one.seconds for key, one in zip(self.trained_keys, self.trained, strict=True)}


@dataclass
class Growing:
    """The trainings of a planned ensemble.

    What is decided depends only on what the jobs took that are in the workspace, each counted as if it had just been
    done: so that a flow that was stopped decides the same again.

    Args:
        plan: With the recipe of all voters.
        voters: Networks of each, in the recipe's order.
        expected: Seconds of each voter's trainings, as if they had one place.
        jobs: With a tracker.
        places: Trainings side by side.
        room: Seconds for all of this.
        taken: Seconds of trainings that are counted already, by key.
    """

    plan: Plan
    voters: Sequence[Sequence[Network]]
    expected: Sequence[float]
    jobs: Jobs
    places: int
    room: float
    taken: dict[str, float] = field(default_factory=dict)

    def run(self) -> Grown:
        """Train the first voter, and each further one that fits.

        Raises:
            JobFailedError: If a training fails.
            CancelledError: If the flow is stopped.
        """
        ready = make_ready(self.plan, self.jobs)
        room = self.room - ready.cropped.seconds
        by_voter = self._by_voter(self.plan.train_folds(ready.prepared, ready.cropped, ready.weights))
        futures = list[list[PrefectFuture[TrainFoldOutcome]]]()
        done = list[list[TrainFoldOutcome]]()
        for number, specs in enumerate(by_voter):
            while len(done) + AHEAD <= number:
                done.append(self._collect(by_voter[len(done)], futures[len(done)]))
            if number and not self._fits(number, by_voter, done, room):
                self._say(number)
                break
            self.jobs.tracker.add(specs)
            futures.append([self.jobs.submit(self.jobs.tracker.follow(spec)) for spec in specs])
        for number in range(len(done), len(futures)):
            done.append(self._collect(by_voter[number], futures[number]))
        kept = [spec for specs in by_voter[: len(done)] for spec in specs]
        outcomes = tuple(one for some in done for one in some)
        return Grown(len(done), outcomes, tuple(spec.key for spec in kept), ready.prepared)

    def _by_voter(self, specs: Sequence[TrainFoldSpec]) -> list[list[TrainFoldSpec]]:
        k, found, start = self.plan.recipe.folds.k, [], 0
        for networks in self.voters:
            end = start + k * len(networks)
            found.append(list(specs[start:end]))
            start = end
        return found

    def _collect(
        self, specs: Sequence[TrainFoldSpec], futures: Sequence[PrefectFuture[TrainFoldOutcome]]
    ) -> list[TrainFoldOutcome]:
        found = [self.jobs.collect(spec, future) for spec, future in zip(specs, futures, strict=True)]
        return [one.model_copy(update={"network": spec.network.name}) for spec, one in zip(specs, found, strict=True)]

    def _fits(
        self,
        number: int,
        specs: Sequence[Sequence[TrainFoldSpec]],
        done: Sequence[Sequence[TrainFoldOutcome]],
        room: float,
    ) -> bool:
        """Return whether a voter fits beside those before it, at the pace of those that are done."""
        counted = dict(self.taken)
        for some, ones in zip(specs, done, strict=False):  # fewer are done
            counted |= {spec.key: one.seconds for spec, one in zip(some, ones, strict=True)}
        took, planned = sum(one.seconds for some in done for one in some), sum(self.expected[: len(done)])
        pace = took / planned if planned else 1.0
        ahead = 0.0
        for some, expected in list(zip(specs, self.expected, strict=True))[len(done) : number + 1]:
            ahead += expected * sum(spec.key not in counted for spec in some) / len(some)
        return (sum(counted.values()) + pace * ahead) / self.places <= room

    def _say(self, number: int) -> None:
        left = [network.name for networks in self.voters[number:] for network in networks]
        text = f"trainings take longer than measured: the budget leaves no time for {', '.join(left)}"
        get_run_logger().warning("%s", text)
        announce(JobEvent("auto", "warning", message=text))
