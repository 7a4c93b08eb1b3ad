"""What is asked next: within the space, equal for equal history, and better than by chance."""

from __future__ import annotations

import json
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.errors import InputError
from maskfold.recipe import load_recipe
from maskfold.specs import SearchedTrial, Told, VariantScore
from maskfold.study.budget import (
    MOST_CANDIDATES,
    MOST_SEEDS,
    SEARCH,
    parse_budget,
    plan_confirmation,
    room_for_trial,
    time_of,
)
from maskfold.study.importance import importances
from maskfold.study.rules import ENOUGH, adopted, candidates, is_hopeless
from maskfold.study.search import BESIDE, ask, ask_process, seen_by
from maskfold.study.space import Drawn, default_space, make_space
from maskfold.study.tuning import sentences, trial_table

SPACE = default_space("fast")
FAST = load_recipe("fast")
PLANE = make_space({f"networks.joint.{name}.p": {"low": 0.0, "high": 1.0} for name in ("cutmix", "mixup")}, "a plane")
X, Y = PLANE.searched


def complete(drawn: Drawn | None, value: float) -> Told:
    return Told(drawn=drawn, state="complete", value=value)


def history(count: int, seed: int = 0) -> list[Told]:
    """Ask and tell, with outcomes of every kind."""
    told = [complete(SPACE.drawn_by(FAST), 0.4)]
    for number in range(1, count):
        drawn = ask(SPACE, told, number, seed)
        score = 0.4 + 0.1 * drawn["networks.joint.cutmix.p"]
        told.append(
            (
                Told(drawn=drawn, state="complete", value=score),
                Told(drawn=drawn, state="pruned", value=score / 2),
                Told(drawn=drawn, state="failed"),
            )[number % 3]
        )
    return told


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 25), st.integers(0, 2**31))
def test_what_is_asked_is_a_recipe_of_the_space_and_depends_on_the_history_alone(number: int, seed: int) -> None:
    told = history(number)
    drawn = ask(SPACE, told, number, seed)
    assert drawn == ask(SPACE, [*told], number, seed)
    recipe = SPACE.apply(FAST, drawn)
    assert recipe.folds == FAST.folds
    for key, one in SPACE.searched.items():
        assert (key in drawn) == SPACE.active(drawn, key)
        if key in drawn and one.choices:
            assert drawn[key] in range(len(one.choices))
        elif key in drawn:
            assert (one.low or 0) <= drawn[key] <= (one.high or 0)
    assert json.loads(json.dumps(drawn)) == drawn


def test_other_seeds_and_numbers_ask_for_other_settings() -> None:
    told = history(3)
    asked = [ask(SPACE, told, number, seed) for number, seed in ((3, 0), (3, 1), (4, 1))]
    assert asked[0] != asked[1] != asked[2]


def test_steps_and_whole_numbers_are_kept() -> None:
    space = make_space(
        {
            "networks.joint.epochs": {"low": 2, "high": 9, "step": 3},
            "networks.joint.cutmix.p": {"low": 0.1, "high": 0.75, "step": 0.2},
        },
        "steps",
    )
    for number in range(1, 30):
        drawn = ask(space, [], number, 0)
        assert drawn["networks.joint.epochs"] in (2, 5, 8)
        assert min(abs(drawn["networks.joint.cutmix.p"] - value) for value in (0.1, 0.3, 0.5, 0.7)) < 1e-9


def test_it_finds_what_is_better_than_by_chance() -> None:
    """The last third of 45 trials on a smooth hill is far closer to its top than random points, 0.49 away."""
    told: list[Told] = []
    for number in range(1, 46):
        drawn = ask(PLANE, told, number, 7)
        told.append(complete(drawn, -((drawn[X] - 0.7) ** 2) - (drawn[Y] - 0.2) ** 2))
    last = fmean((-(one.value or 0.0)) ** 0.5 for one in told[-15:])
    assert last < 0.3


def test_a_gaussian_process_asks_within_the_space_near_what_was_best_and_is_reproducible() -> None:
    told = history(12)
    drawn = ask_process(SPACE, told, 12, 0)
    assert drawn == ask_process(SPACE, told, 12, 0)
    assert SPACE.apply(FAST, drawn).folds == FAST.folds
    assert all((key in drawn) == SPACE.active(drawn, key) for key in SPACE.searched)


def test_a_thousand_trials_are_no_burden() -> None:
    """Counted in trials, not in time: all of them are told."""
    told = [complete({X: number / 1000, Y: 0.5}, number / 1000) for number in range(1000)]
    assert ask(PLANE, told, 1000, 0)[X] > 0.5


@given(st.integers(1, 1000))
def test_a_trial_sees_all_but_those_beside_it_and_always_the_recipe_as_it_is(number: int) -> None:
    assert 1 <= seen_by(number) <= number
    assert number - seen_by(number) < BESIDE
    assert seen_by(number) <= seen_by(number + 1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("0.5h", 1800), (" 2H ", 7200)]
)
def test_budgets(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "45", "m", "-3m", "3 m", "0s", "1d", "9999999h", "45min"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="such as 30s, 45m, 2h"):
        parse_budget(text)


costs = st.lists(st.floats(0.1, 100), min_size=1, max_size=8)


@given(st.floats(0, 10_000), st.floats(0.1, 100), costs)
def test_a_confirmation_never_exceeds_what_is_left(left: float, base: float, given_: list[float]) -> None:
    asked = plan_confirmation(left, base, given_)
    assert asked.candidates <= min(MOST_CANDIDATES, len(given_))
    assert asked.seeds <= MOST_SEEDS
    assert asked.seeds * (base + sum(given_[: asked.candidates])) <= left * (1 + 1e-9) or not asked.candidates
    if left >= base + given_[0]:
        assert asked.candidates


def test_without_a_budget_the_usual_is_confirmed() -> None:
    assert plan_confirmation(None, 1, [1] * 9) == plan_confirmation(1e9, 1, [1e9 / 12] * 4)
    assert plan_confirmation(None, 1, []).candidates == 0


@given(st.floats(1, 1000), st.floats(0, 1000), st.integers(0, 3), costs)
def test_the_search_keeps_to_its_share(budget: float, spent: float, running: int, given_: list[float]) -> None:
    if room_for_trial(budget, spent, running, given_):
        assert spent + (running + 1) * fmean(given_) <= SEARCH * budget
    assert room_for_trial(None, spent, running, given_)


def test_a_job_of_two_trials_counts_once() -> None:
    assert time_of([{"a": 1.0, "b": 2.0}, {"a": 1.0, "c": 4.0}]) == 7.0


def row(number: int, difference: float | None, state: str = "complete") -> SearchedTrial:
    return SearchedTrial(
        number=number,
        drawn={X: number / 20, Y: 0.5 + (number % 3) / 10},
        set=(f"{X}={number / 20}",),
        state=state,  # type: ignore[arg-type]
        macro_f1=None if state == "failed" else 0.5 + (difference or 0),
        difference=difference,
        error=0.01,
    )


def test_only_what_scored_above_the_recipe_is_confirmed_the_best_first() -> None:
    rows = [row(0, None), row(1, 0.1), row(2, -0.1), row(3, 0.3), row(4, None, "failed"), row(5, 0.4, "pruned")]
    assert [one.number for one in candidates(rows)] == [3, 1]


@given(st.floats(-0.5, 0.5), st.floats(0, 0.1))
def test_only_what_is_far_below_ends_early(difference: float, error: float) -> None:
    assert is_hopeless(difference, error) == (difference < 0 and difference < -3 * error)
    assert not is_hopeless(None, None)


def score(name: str, difference: float, error: float) -> VariantScore:
    return VariantScore(
        name=name, factor="", set=(), seeds=2, macro_f1=0.5, difference=difference, low=difference - 2 * error,
        high=difference + 2 * error, error=error, by_seed=(difference,) * 2, wins=False, seconds=1,
    )  # fmt: skip


def test_adopted_is_the_best_if_it_exceeds_the_standard_errors() -> None:
    base = score("base", 0, 0)
    assert adopted((base, score("a", 0.02, 0.01), score("b", 0.03, 0.01))).name == "b"  # type: ignore[union-attr]
    assert adopted((base, score("a", 0.02, 0.02 / ENOUGH * 1.01))) is None
    assert adopted((base, score("a", -0.02, 0.001))) is None
    assert adopted(()) is None


def test_the_sentences_say_what_was_gained_or_that_nothing_was() -> None:
    rows, base = [row(0, None), row(1, 0.1)], score("base", 0, 0)
    gained = " ".join(sentences(rows, (base, score("trial 1", 0.05, 0.01))))
    assert "trial 1 is adopted" in gained
    assert "0.050 better" in gained
    assert "+0.030 to +0.070" in gained
    for confirmed in ((base, score("trial 1", 0.001, 0.01)), (base, score("trial 1", -0.1, 0.01)), ()):
        assert "gained nothing" in sentences(rows, confirmed)[-1]
    assert "0.100 worse" in " ".join(sentences(rows, (base, score("trial 1", -0.1, 0.01))))
    assert "no time for a confirmation" in " ".join(sentences(rows, ()))


def test_importances_rank_what_matters_first_and_say_nothing_of_few_trials() -> None:
    rows = [row(number, number / 40) for number in range(20)]
    found = importances(PLANE, rows)
    assert next(iter(found)) == X
    assert found[X] > 0.8
    assert importances(PLANE, rows[:5]) == {}


def test_the_table_has_nothing_that_depends_on_the_pace() -> None:
    rows = [row(0, None), row(1, 0.1), row(2, None, "failed")]
    slower = [one.model_copy(update={"seconds": 9.0, "reason": "x"}) for one in rows]
    assert trial_table(rows).to_csv() == trial_table(slower).to_csv()
