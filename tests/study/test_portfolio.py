"""What is planned for a budget: never more than fits, never less for more time, and something sound for little."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.study.costs import Facts, Rate, side_by_side, training
from maskfold.study.portfolio import FILLED, choose, ladder

SIZES = ((96, 72), (128, 96), (192, 144))


def rates_of(backbone: str, rate: float, pretrained: bool = True) -> tuple[Rate, ...]:
    """Return a network at every size; twice the pixels take twice the time."""
    pixels = SIZES[0][0] * SIZES[0][1]
    return tuple(
        Rate(
            backbone,
            size,
            rate * pixels / (size[0] * size[1]),
            3 * rate * pixels / (size[0] * size[1]),
            1.0,
            pretrained,
        )
        for size in SIZES
    )


REAL = Facts(
    n_train=2800,
    n_eval=1050,
    parts=(0.5, 0.67, 1.0),
    places=2,
    job=0.3,
    before=25.0,
    prepared_k=3,
    prepare=4.0,
    crop_start=3.0,
    crops_per_second=250.0,
    face_height=160.0,
    k=None,
    rates=(*rates_of("mobilenetv2_035", 250.0), *rates_of("tf_efficientnet_lite0", 60.0)),
)
"""About what two cores make of 400 people."""

facts = st.builds(
    lambda n, evaluated, parts, places, before, k, height, networks: replace(
        REAL,
        n_train=n,
        n_eval=evaluated,
        parts=tuple(parts),
        places=places,
        before=before,
        k=k,
        face_height=height,
        rates=tuple(
            rate for number, (speed, known) in enumerate(networks) for rate in rates_of(f"n{number}", speed, known)
        ),
    ),
    st.integers(20, 20_000),
    st.integers(0, 20_000),
    st.lists(st.floats(0.3, 1.0), max_size=3),
    st.integers(1, 8),
    st.floats(1.0, 60.0),
    st.sampled_from([None, 2, 5]),
    st.floats(20.0, 400.0),
    st.lists(st.tuples(st.floats(1.0, 5000.0), st.booleans()), min_size=1, max_size=2),
)
budgets = st.floats(10.0, 100_000.0)


@settings(max_examples=10, deadline=None)
@given(facts, budgets)
def test_a_plan_never_exceeds_the_budget(known: Facts, budget: float) -> None:
    plan = choose(known, budget)
    if plan is None:
        assert min(one.seconds for one in ladder(known)) > FILLED * budget
    else:
        assert plan.seconds <= FILLED * budget
        assert plan.seconds == sum(stage.seconds for stage in plan.stages)
        assert all(stage.seconds >= 0 for stage in plan.stages)


@settings(max_examples=10, deadline=None)
@given(facts, budgets, st.floats(1.0, 20.0))
def test_a_larger_budget_never_plans_less_training(known: Facts, budget: float, times: float) -> None:
    less, more = choose(known, budget), choose(known, times * budget)
    if less is not None:
        assert more is not None
        assert more.training >= less.training
        assert more.worth >= less.worth


@settings(max_examples=10, deadline=None)
@given(facts, budgets)
def test_what_is_planned_can_be_trained(known: Facts, budget: float) -> None:
    plan = choose(known, budget)
    if plan is not None:
        measured = {(rate.backbone, rate.size) for rate in known.rates}
        used = {*plan.joint, *([plan.attributes] if plan.attributes else [])}
        assert {(name, plan.size) for name in used} <= measured
        assert known.k in (None, plan.k)
        assert plan.attributes is None or known.parts
        assert plan.seeds >= (3 if plan.trials else 1)


def test_minutes_give_something_sound_and_hours_more() -> None:
    plans = [choose(REAL, budget) for budget in (300, 1800, 7200, 8 * 3600)]
    five, thirty, two_hours, night = (plan for plan in plans if plan is not None)
    assert five.epochs >= 3
    assert (thirty.worth, thirty.training) > (five.worth, five.training)
    assert thirty.attributes is not None
    assert len(two_hours.joint) + (two_hours.attributes is not None) > 1
    assert night.worth > two_hours.worth > thirty.worth


def test_where_trainings_are_quick_settings_are_searched() -> None:
    quick = tuple(replace(one, images_per_second=5000.0, predicted_per_second=15_000.0) for one in REAL.rates)
    plan = choose(replace(REAL, rates=quick), 2 * 3600)
    assert plan is not None
    assert plan.trials > 0
    assert "search and confirmation" in [stage.name for stage in plan.stages]


def test_no_plan_where_not_even_the_least_fits() -> None:
    assert choose(replace(REAL, before=60.0), 60.0) is None


def test_larger_inputs_than_the_faces_are_worth_nothing() -> None:
    small = replace(REAL, face_height=90.0)
    assert all(one.size == SIZES[0] for one in ladder(small))


@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=30), st.integers(1, 8))
def test_jobs_started_one_after_the_other_are_done_in_time(seconds: list[float], places: int) -> None:
    free = [0.0] * places
    for one in seconds:
        free.sort()
        free[0] += one
    assert max(free) <= side_by_side(seconds, places) + 1e-6


def test_more_epochs_and_more_folds_take_longer() -> None:
    rate = REAL.rates[0]
    short, long = training(REAL, rate, 3, 3), training(REAL, rate, 6, 3)
    assert long.seconds > short.seconds
    assert training(REAL, rate, 3, 5).images > short.images
