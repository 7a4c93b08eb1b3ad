"""Which settings mattered in a search, by functional analysis of variance."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Final

from maskfold.specs import SearchedTrial, Told
from maskfold.study.search import rebuilt
from maskfold.study.space import Space

LEAST: Final = 8
"""Trials below which nothing is said."""


def importances(space: Space, trials: Sequence[SearchedTrial]) -> dict[str, float]:
    """Return each setting's share of the variance of the score, the largest first; empty after few trials.

    Settings that only count under a condition are left out. The shares are those of a random forest fitted to trials
    that lie where the search went, not everywhere: with few or noisy trials they mislead.

    Hutter, F., Hoos, H. and Leyton-Brown, K. (2014). An Efficient Approach for Assessing Hyperparameter Importance.
    ICML.
    """
    import optuna

    done = [one for one in trials if one.state == "complete" and one.drawn is not None]
    always = [key for key, one in space.searched.items() if not one.when]
    varied = [key for key in always if len({(one.drawn or {}).get(key) for one in done}) > 1]
    if len(done) < LEAST or len({one.macro_f1 for one in done}) < 2 or not varied:
        return {}
    study = rebuilt(space, [Told(drawn=one.drawn, state="complete", value=one.macro_f1) for one in done])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=varied)
    return {key: float(share) for key, share in sorted(found.items(), key=lambda one: -one[1])}
