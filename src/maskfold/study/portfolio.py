"""Which networks to train within a budget: a pure function of what was measured.

All portfolios that make sense are listed with their time and with what they are worth by experience. Those remain that
are worth more, and train more, than every quicker one. The best of them that fits is taken: so a larger budget never
trains less.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from maskfold.study import costs
from maskfold.study.costs import Facts, Rate, Size

FILLED: Final = 0.9
"""Share of the budget that is planned: an estimate is no promise."""
EPOCHS: Final = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 30, 40)
FOLDS: Final = (3, 5)
REPEATS: Final = ((1, 0), (2, 0), (3, 0), (5, 0), (3, 6), (3, 12), (3, 24), (3, 48))
"""Seeds of each network, and trials of a search; what a search confirms has been trained with three seeds anyway."""
MOST_BACKBONES: Final = 3
KNOWN: Final[Mapping[str, float]] = {
    "mobilenetv2_035": 0.60,
    "mobilenetv2_050": 0.66,
    "mobilenetv3_small_100": 0.68,
    "resnet18": 0.71,
    "mobilenetv2_100": 0.73,
    "tf_efficientnet_lite0": 0.75,
    "seresnext26d_32x4d": 0.78,
    "rexnet_100": 0.78,
    "efficientnet_b0": 0.78,
    "rexnet_150": 0.80,
    "resnet50": 0.80,
    "efficientnet_b4": 0.83,
}
"""How often a network is right on ImageNet, about, by its authors' or timm's figures."""
USUAL: Final = 0.72
"""The same of any other network."""
LEARNT: Final = (2.0, 14.0)
"""Epochs after which two thirds are learnt, with and without weights to start from, where one has as many steps as
:data:`STEPS`; shorter ones teach less. With weights, six, eight and twelve epochs score alike, see
``bench/RESULTS.md``: time is better spent on other seeds."""
STEPS: Final = 58.0
BATCH: Final = 32
SCRATCH: Final = 0.7
"""Worth of a network without weights to start from."""
SINGLE: Final = 1.08
"""Worth of the networks of single attributes together, as a multiple of a joint network's: on real people they score
.537 where the joint network scores .497."""
POWER: Final = 0.2
"""Exponent with which :data:`KNOWN` counts: on real people a joint network on ``tf_efficientnet_lite0`` scores .509
where one on ``mobilenetv2_035`` scores .486."""
ANOTHER_KIND: Final = 0.08
"""Share that a second voter of another kind adds; a third adds half of it, and so on."""
ANOTHER_SEED: Final = 0.1
"""Share that very many seeds of each network add; two add half of it."""
SEARCHED: Final = (0.08, 10.0)
"""Share that a long search gains, and trials after which it has two thirds of that. In simulations of a recipe that had
been tuned on such photographs it was a quarter of this, see :mod:`maskfold.study.budget`; no one has tuned these."""


@dataclass(frozen=True)
class Stage:
    """A part of the work."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Portfolio:
    """What to train."""

    size: Size
    joint: tuple[str, ...]
    """Backbones of the joint networks, the best first."""
    attributes: str | None
    """Backbone of the networks of single attributes; None without these."""
    epochs: int
    """Of the joint networks."""
    k: int
    seeds: int
    """How often each network is trained with another seed; all of them vote."""
    trials: int
    """Of a search for better settings of the first network."""
    stages: tuple[Stage, ...]
    """With estimated times; the first is what was done before the plan."""
    training: float
    """Seconds of all trainings, those of the search included, as if they had one place."""
    worth: float

    @cached_property
    def seconds(self) -> float:
        """Estimated wall time of all, from the start."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def networks(self) -> int:
        """Networks that vote, without those of single attributes."""
        return len(self.joint) * self.seeds


def choose(facts: Facts, budget: float) -> Portfolio | None:
    """Return the portfolio for a budget; None if none fits.

    Args:
        facts: What was measured.
        budget: Seconds for everything, the measurements included.
    """
    found = None
    for one in ladder(facts):
        if one.seconds > FILLED * budget:
            break
        found = one
    return found


@lru_cache(maxsize=16)
def ladder(facts: Facts) -> tuple[Portfolio, ...]:
    """Return the portfolios that a growing budget leads to, the quickest first."""
    kept = list[_Option]()
    for one in sorted(_options(facts), key=lambda one: (one.seconds, -one.worth, one.training)):
        if not kept or (one.worth > kept[-1].worth and one.training >= kept[-1].training):
            kept.append(one)
    return tuple(_portfolio(facts, one) for one in kept)


@dataclass(frozen=True)
class _Networks:
    """A choice of networks, each trained once."""

    size: Size
    joint: tuple[Rate, ...]
    single: Rate | None
    epochs: int
    k: int
    once: tuple[float, ...]
    """Seconds of every training."""
    voters: tuple[float, ...]
    """What each is worth."""

    @property
    def first(self) -> tuple[float, ...]:
        """Seconds of the trainings of the first network, whose settings are searched."""
        return self.once[: self.k]


class _Option(NamedTuple):
    """Networks with a number of seeds and of trials."""

    seconds: float
    worth: float
    training: float
    networks: _Networks
    seeds: int
    trials: int


def _options(facts: Facts) -> Iterator[_Option]:
    """Yield everything that could be trained; thousands, so that only what is kept becomes a portfolio."""
    for networks in _choices(facts):
        for seeds, trials in REPEATS:
            stages = _stages(facts, networks, seeds, trials)
            searched = costs.KEPT * trials + costs.SEEDS * costs.confirmed_by(trials)
            training = sum(networks.once) * seeds + sum(networks.first) * searched
            gained = (
                SEARCHED[0] * (1 - math.exp(-trials / SEARCHED[1])) / len(networks.voters)
            )  # one of them is searched
            worth = _together(networks.voters, seeds) * (1 + gained)
            yield _Option(sum(stages.values()), worth, training, networks, seeds, trials)


def _choices(facts: Facts) -> Iterator[_Networks]:
    by_size: dict[Size, list[Rate]] = {}
    for rate in facts.rates:
        by_size.setdefault(rate.size, []).append(rate)
    folds = FOLDS if facts.k is None else (facts.k,)
    for size, rates in sorted(by_size.items()):
        ranked = sorted(rates, key=lambda one: (-_worth(facts, one, max(EPOCHS), 2), one.backbone))[:MOST_BACKBONES]
        lists = [(one,) for one in ranked] + [tuple(ranked[:count]) for count in range(2, len(ranked) + 1)]
        for joint, epochs, k in itertools.product(lists, EPOCHS, folds):
            for single in (None, *joint) if facts.parts else (None,):
                own = [(rate, epochs) for rate in joint]
                own += [(single, part_epochs(epochs, part)) for part in facts.parts] if single else []
                once = [costs.training(facts, rate, length, k).seconds for rate, length in own for _ in range(k)]
                voters = [_worth(facts, rate, epochs, k) for rate in joint]
                voters += [SINGLE * _worth(facts, single, epochs, k)] if single else []
                yield _Networks(size, joint, single, epochs, k, tuple(once), tuple(voters))


def _stages(facts: Facts, networks: _Networks, seeds: int, trials: int) -> dict[str, float]:
    """Return the seconds of each part of the work."""
    singles = [networks.single] * len(facts.parts) if networks.single else []
    own = [*networks.joint, *singles]
    predicted = sum(costs.predicting(facts, rate, networks.k) for rate in own) * seeds
    return {
        "looking and measuring": facts.before,
        "faces": costs.cropping(facts, networks.k),
        "networks": costs.side_by_side(networks.once * seeds, facts.places),
        costs.SEARCHING: costs.searching(facts, networks.first, trials),
        "selection, vote, report": predicted + costs.voting(facts, len(own) * seeds),
    }


def _portfolio(facts: Facts, option: _Option) -> Portfolio:
    networks = option.networks
    stages = _stages(facts, networks, option.seeds, option.trials)
    return Portfolio(
        size=networks.size,
        joint=tuple(rate.backbone for rate in networks.joint),
        attributes=networks.single.backbone if networks.single else None,
        epochs=networks.epochs,
        k=networks.k,
        seeds=option.seeds,
        trials=option.trials,
        stages=tuple(Stage(name, seconds) for name, seconds in stages.items() if seconds),
        training=option.training,
        worth=option.worth,
    )


def part_epochs(epochs: int, part: float) -> int:
    """Return the epochs of an attribute network: its share of the joint network's."""
    return max(1, round(epochs * part))


def _worth(facts: Facts, rate: Rate, epochs: int, k: int) -> float:
    """Return what one voter is worth, about in shares of the best possible one."""
    power = KNOWN.get(rate.backbone, USUAL) ** POWER * (1.0 if rate.pretrained else SCRATCH)
    seen = min(float(rate.size[0]), max(facts.face_height, 32.0))
    detail = 1 - 0.35 * (64 / max(64.0, seen)) - 0.002 * max(0.0, 64 - seen)
    steps = max(1.0, facts.n_train * (k - 1) / k / BATCH)
    whole = LEARNT[0 if rate.pretrained else 1] * (STEPS / steps) ** 0.3
    return float(power * detail * (1 - math.exp(-epochs / whole)) * (1 - 1 / k) ** 0.2)


def _together(voters: Sequence[float], seeds: int) -> float:
    """Return what voters are worth together: each further one adds less."""
    best, *others = sorted(voters, reverse=True)
    kinds = sum((one / best) ** 2 / number for number, one in enumerate(others, start=1))
    return best * (1 + ANOTHER_KIND * kinds) * (1 + ANOTHER_SEED * (1 - 1 / seeds))
