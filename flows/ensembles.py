"""The trainings of an ensemble that was planned: settings searched, voters trained, their weights selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from flows.confirmation import confirm, tuned
from flows.growing import Growing, Grown
from flows.jobs import Jobs
from flows.looking import Looked
from flows.plan import Plan
from flows.search import Search
from maskfold.recipe import Network, Recipe
from maskfold.scheme import JOINT
from maskfold.specs import SelectOutcome, SelectSpec, Trial
from maskfold.study import assembly, costs
from maskfold.study.budget import SEARCH, Confirmation
from maskfold.study.portfolio import Portfolio
from maskfold.study.rules import adopted, candidates
from maskfold.study.space import default_space

OVERRUN: Final = 1.25
"""How much longer than planned a search may take; then it makes no more trials."""
FEWEST: Final = 2
"""Voters from which on there is something to select."""
_LEARNT: Final = ("optimizer", "augmentation", "mixup")
"""Settings of a network that the space has."""


@dataclass(frozen=True)
class Chosen:
    """A portfolio as networks."""

    plan: Plan
    """With all networks."""
    base: Recipe
    looked: Looked
    portfolio: Portfolio
    voters: tuple[tuple[Network, ...], ...]
    """Networks of each voter, in the order in which they are trained; named as in the recipe."""

    @classmethod
    def make(cls, plan: Plan, base: Recipe, looked: Looked, portfolio: Portfolio) -> Self:
        """Assemble the networks of a portfolio.

        Args:
            plan: With the candidates.
            base: The preset, fitted to the data set.
            looked: What was measured.
            portfolio: What to train.
        """
        groups = assembly.groups(base, portfolio, looked.starts)
        return cls(plan, base, looked, portfolio, ())._with(groups)

    def with_settings(self, settings: Network) -> Chosen:
        """Return the same with settings that a search has found, in all networks like the searched one."""
        first = self.voters[0][0]

        def changed(network: Network) -> Network:
            if (network.target, network.backbone) != (first.target, first.backbone):
                return network
            return network.model_copy(update={name: getattr(settings, name) for name in _LEARNT})

        return self._with([tuple(changed(network) for network in some) for some in self.voters])

    def first(self, count: int) -> Plan:
        """Return the plan of the first voters alone."""
        return self._plan([network for some in self.voters[:count] for network in some])

    @property
    def expected(self) -> list[float]:
        """Seconds of each voter's trainings, as if they had one place."""
        rates = {rate.backbone: rate for rate in self.looked.facts.rates if rate.size == self.portfolio.size}
        facts, k = self.looked.facts, self.portfolio.k
        return [
            sum(k * costs.training(facts, rates[one.backbone], one.epochs, k).seconds for one in some)
            for some in self.voters
        ]

    def _with(self, groups: Sequence[Sequence[Network]]) -> Self:
        named = iter(assembly.named([network for some in groups for network in some]))
        voters = tuple(tuple(next(named) for _ in some) for some in groups)
        plan = self._plan([network for some in voters for network in some])
        return replace(self, plan=plan, voters=voters)

    def _plan(self, networks: Sequence[Network]) -> Plan:
        recipe = assembly.assembled(self.base, self.portfolio, networks)
        used = {network.backbone for network in networks if network.pretrained != "none"}
        given = {backbone: weights for backbone, weights in self.plan.given_weights.items() if backbone in used}
        return replace(self.plan, recipe=recipe, given_weights=given)


@dataclass(frozen=True)
class FoundSettings:
    """What a search came to."""

    settings: Network | None
    """Of the network; None if the plan's own stay."""
    taken: dict[str, float]
    """Seconds of all of its trainings, by key."""
    said: dict[str, Any]
    """For the summary."""


def choose_settings(chosen: Chosen, jobs: Jobs, places: int, study: str) -> FoundSettings:
    """Search better settings of the first network, confirm them with fresh seeds, adopt what the rule allows.

    Args:
        chosen: The networks.
        jobs: Those of the flow.
        places: Trainings side by side.
        study: Id of the record below which trials are shown.

    Raises:
        MaskfoldError: If the network fails with its own settings.
        CancelledError: If the flow is stopped.
    """
    plan, trials = chosen.first(1), chosen.portfolio.trials
    planned = next(stage.seconds for stage in chosen.portfolio.stages if stage.name == costs.SEARCHING)
    room = costs.cropping(chosen.looked.facts, chosen.portfolio.k) + OVERRUN * (planned + chosen.expected[0] / places)
    # A search leaves a share of its budget to the confirmation.
    search = Search(plan, default_space(assembly.NAME), (), trials, room / SEARCH, 0, jobs, places, study)
    search.run()
    best = candidates([search.rows[number] for number in sorted(search.rows)])
    count = min(len(best), costs.confirmed_by(trials))
    asked = Confirmation(count, costs.SEEDS if count else 0)
    confirmation, failed = confirm(search, best, asked)
    spent = search.spent() + sum(one.seconds for trial in confirmation for one in trial.trained) / places
    outcome = jobs.run(tuned(search, confirmation, f"{assembly.NAME} search", None, spent))
    winner = adopted(outcome.confirmed)
    recipes = {
        row.name: search.finished[number].recipe for number, row in search.rows.items() if number in search.finished
    }
    fresh = {
        key: one.seconds for trial in confirmation for key, one in zip(trial.trained_keys, trial.trained, strict=True)
    }
    said = {
        "trials": len(search.rows) - 1,
        "adopted": winner.name if winner else None,
        "set": list(winner.set) if winner else [],
        "gain": round(outcome.gain, 4),
        "low": round(outcome.low, 4),
        "high": round(outcome.high, 4),
        "page": plan.workspace.locate(outcome.page.path),
        "failed": {**{one.name: one.reason for one in search.rows.values() if one.state == "failed"}, **failed},
    }
    return FoundSettings(recipes[winner.name].networks[0] if winner else None, {**search.taken, **fresh}, said)


def grow(chosen: Chosen, jobs: Jobs, places: int, budget: float, taken: dict[str, float]) -> Grown:
    """Train the voters that fit; see :class:`flows.growing.Growing`.

    Args:
        chosen: The networks.
        jobs: Those of the flow.
        places: Trainings side by side.
        budget: Seconds for everything.
        taken: Seconds of trainings that a search has done, by key.
    """
    facts, portfolio = chosen.looked.facts, chosen.portfolio
    end = portfolio.stages[-1].seconds
    room = budget - end - facts.before - (facts.prepare if portfolio.k != facts.prepared_k else 0.0)
    return Growing(chosen.plan, chosen.voters, chosen.expected, jobs, places, room, taken).run()


def select_voters(plan: Plan, grown: Grown, jobs: Jobs) -> SelectOutcome | None:
    """Ask whether some voters with weights are better than the plain vote; None where there is nothing to select from.

    Args:
        plan: With the recipe of what was trained.
        grown: That.
        jobs: Those of the flow.
    """
    targets = [network.target for network in plan.recipe.networks]
    if targets.count(JOINT) + any(target != JOINT for target in targets) < FEWEST:
        return None
    trial = Trial(
        variant=assembly.NAME, seed=0, recipe=plan.recipe, trained=grown.trained, trained_keys=grown.trained_keys
    )
    return jobs.run(
        SelectSpec(
            workspace=plan.workspace.uri,
            trial=trial,
            prepared=grown.prepared,
            dataset_version=grown.prepared.dataset_version,
            folds_version=grown.prepared.folds_version,
        )
    )
