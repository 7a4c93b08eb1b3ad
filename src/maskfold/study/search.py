"""What to try next: a pure function of the space, of what earlier trials found, and of a seed.

Nothing is kept between two questions, neither in memory nor in a database: the search is rebuilt from the outcomes of
trials each time, so that a search that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from maskfold.specs import Told
from maskfold.specs.space import Searched
from maskfold.study.space import Drawn, Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

BESIDE: Final = 2
"""Trials side by side. In simulations two lost nothing against one at a time, and four lost a third of the gain."""
PROCESS: Final = range(40, 301)
"""Trials that are asked of a Gaussian process: before, it has too little to learn from; later, it takes too long."""


def seen_by(number: int) -> int:
    """Return how many of the first trials a trial waits for, and learns from: all but those that run beside it.

    The recipe as it is, trial 0, comes before all others: what it takes decides how many others there can be.
    """
    return min(number, max(1, number - BESIDE + 1))


def ask(space: Space, history: Sequence[Told], number: int, seed: int) -> Drawn:
    """Return what a trial tries, by a tree-structured Parzen estimator over all settings together.

    Bergstra, J. et al. (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS.

    Args:
        space: What may be tried.
        history: What is known of the trials 0 .. number - 1.
        number: The trial's, from 1; trial 0 is the recipe as it is.
        seed: Of the search.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        # `group` is marked as experimental; the version is pinned.
        warnings.simplefilter("ignore", ExperimentalWarning)
        sampler = TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed + number)
    study = rebuilt(space, history, sampler)
    return _asked(space, study)


def ask_process(space: Space, history: Sequence[Told], number: int, seed: int) -> Drawn:
    """Return what a trial tries, by a Gaussian process; settings under a condition by the estimator of :func:`ask`.

    Snoek, J., Larochelle, H. and Adams, R. P. (2012). Practical Bayesian Optimization of Machine Learning Algorithms.
    NeurIPS.

    Args:
        space: What may be tried.
        history: What is known of the trials 0 .. number - 1.
        number: The trial's.
        seed: Of the search.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import GPSampler, TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        alone = TPESampler(seed=seed + number)
        sampler = GPSampler(seed=seed + number, independent_sampler=alone)
        return _asked(space, rebuilt(space, history, sampler))


def _asked(space: Space, study: Study) -> Drawn:
    trial = study.ask()
    found: Drawn = {}
    for key, one in space.searched.items():
        if not space.active(found, key):
            continue
        if one.choices:
            found[key] = int(trial.suggest_categorical(key, range(len(one.choices))))
        elif one.is_whole:
            found[key] = trial.suggest_int(key, *_ends(one), log=one.log, step=int(one.step or 1))
        else:
            found[key] = trial.suggest_float(key, *_ends(one), log=one.log, step=one.step)
    return found


def rebuilt(space: Space, history: Sequence[Told], sampler: BaseSampler | None = None) -> Study:
    """Return trials as a study of Optuna, in memory; those that the space cannot express are left out."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    study.add_trials([_frozen(space, one) for one in history if one.drawn is not None])
    return study


def _frozen(space: Space, one: Told) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    drawn = one.drawn or {}
    distributions = {key: distribution(space.searched[key]) for key in drawn}
    if one.state == "complete":
        return create_trial(state=TrialState.COMPLETE, params=dict(drawn), distributions=distributions, value=one.value)
    state = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL, "running": TrialState.RUNNING}[one.state]
    seen = {0: one.value} if one.state == "pruned" and one.value is not None else {}
    return create_trial(state=state, params=dict(drawn), distributions=distributions, intermediate_values=seen)


def distribution(one: Searched) -> BaseDistribution:
    """Return a setting as Optuna describes it; a choice is its place among the choices."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choices:
        return CategoricalDistribution(range(len(one.choices)))
    low, high = _ends(one)
    if one.is_whole:
        return IntDistribution(low, high, log=one.log, step=int(one.step or 1))
    return FloatDistribution(low, high, log=one.log, step=one.step)


def _ends(one: Searched) -> tuple[Any, Any]:
    """Return the ends of a range; the upper one a whole number of steps above the lower one, as Optuna wants it."""
    low, high = one.low or 0, one.high or 0
    if one.step is not None:
        first, step = Decimal(str(low)), Decimal(str(one.step))  # as Optuna counts
        high = float(first + (Decimal(str(high)) - first) // step * step)
    return (int(low), int(high)) if one.is_whole else (float(low), float(high))
