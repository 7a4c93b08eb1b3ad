import itertools
import warnings
from collections.abc import Callable

import pytest
import torch
from torch.optim import lr_scheduler

from maskfold.recipe import Schedule
from maskfold.training.schedules import learning_rate

PEAK = 0.01
STEPS = 7
EPOCHS = 6


def torch_curve(make: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler], count: int) -> list[float]:
    """The rate that torch's scheduler gives each step when it is stepped after each one."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = make(optimizer)
        rates = []
        for _ in range(count):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def our_curve(count: int = STEPS * EPOCHS, **settings: object) -> list[float]:
    rate = learning_rate(Schedule.model_validate(settings), PEAK, STEPS, EPOCHS)
    return [rate(step) for step in range(count)]


def test_constant_is_the_peak_everywhere():
    assert our_curve(name="constant") == [PEAK] * (STEPS * EPOCHS)


@pytest.mark.parametrize(("epochs", "gamma"), [(1, 0.5), (2, 0.1), (2.5, 0.7)])
def test_step_equals_torch(epochs: float, gamma: float):
    period = round(epochs * STEPS)
    expected = torch_curve(lambda o: lr_scheduler.StepLR(o, period, gamma), STEPS * EPOCHS)
    assert our_curve(name="step", step_epochs=epochs, gamma=gamma) == pytest.approx(expected, rel=1e-9)


def test_cosine_equals_torch():
    total = STEPS * EPOCHS
    expected = torch_curve(lambda o: lr_scheduler.CosineAnnealingLR(o, total, eta_min=1e-4), total)
    assert our_curve(name="cosine", min_lr=1e-4) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("up", "down"), [(1, 2), (2, 1), (0.5, 0.5)])
def test_cyclic_equals_torch_triangular2_over_several_cycles(up: float, down: float):
    expected = torch_curve(
        lambda o: lr_scheduler.CyclicLR(
            o, 1e-4, PEAK, round(up * STEPS), round(down * STEPS), mode="triangular2", cycle_momentum=False
        ),
        STEPS * EPOCHS,
    )
    actual = our_curve(name="cyclic", min_lr=1e-4, up_epochs=up, down_epochs=down)
    assert actual == pytest.approx(expected, rel=1e-6)


def test_warm_up_rises_in_equal_parts_and_the_schedule_follows_in_what_is_left():
    warmup, rest = 2 * STEPS, (EPOCHS - 2) * STEPS
    expected = torch_curve(
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, start_factor=1 / warmup, end_factor=1, total_iters=warmup - 1),
                lr_scheduler.CosineAnnealingLR(o, rest, eta_min=1e-4),
            ],
            milestones=[warmup],
        ),
        STEPS * EPOCHS,
    )
    assert our_curve(name="cosine", min_lr=1e-4, warmup_epochs=2) == pytest.approx(expected, rel=1e-6)


def test_a_warm_up_longer_than_the_training_still_rises():
    curve = our_curve(name="cosine", warmup_epochs=EPOCHS + 1)
    assert all(later > earlier for earlier, later in itertools.pairwise(curve))
    assert curve[-1] < PEAK


@pytest.mark.parametrize("epochs", [1, 2.5])
def test_exponential_equals_torch_stepped_at_every_step(epochs: float):
    per_step = 0.6 ** (1 / (epochs * STEPS))
    expected = torch_curve(lambda o: lr_scheduler.ExponentialLR(o, per_step), STEPS * EPOCHS)
    actual = our_curve(name="exponential", step_epochs=epochs, gamma=0.6)
    assert actual == pytest.approx(expected, rel=1e-9)
    assert actual[STEPS * 5] == pytest.approx(PEAK * 0.6 ** (5 / epochs))


@pytest.mark.parametrize(("first", "growth"), [(1, 1), (1, 2), (2, 1), (0.5, 3)])
def test_cosine_restarts_equal_torch(first: float, growth: int):
    cycle = round(first * STEPS)
    expected = torch_curve(
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, cycle, growth, eta_min=1e-4), STEPS * EPOCHS
    )
    actual = our_curve(name="cosine-restarts", min_lr=1e-4, cycle_epochs=first, cycle_growth=growth)
    assert actual == pytest.approx(expected, rel=1e-9)
    assert actual.count(PEAK) >= 2


@pytest.mark.parametrize(("rise", "divisor"), [(0.3, 25), (0.5, 10), (0.25, 100)])
def test_one_cycle_equals_torch(rise: float, divisor: float):
    total = STEPS * EPOCHS
    expected = torch_curve(
        lambda o: lr_scheduler.OneCycleLR(
            o,
            PEAK,
            total_steps=total,
            pct_start=rise,
            div_factor=divisor,
            final_div_factor=PEAK / divisor / 1e-4,
            cycle_momentum=False,
        ),
        total - 1,
    )
    actual = our_curve(name="one-cycle", min_lr=1e-4, rise=rise, start_divisor=divisor)
    assert actual[:-1] == pytest.approx(expected, rel=1e-9)
    assert actual[-1] == pytest.approx(1e-4)


@pytest.mark.parametrize(("rise", "highest"), [(0, 0), (1, STEPS * EPOCHS - 1)])
def test_one_cycle_may_only_fall_or_only_rise(rise: float, highest: int):
    curve = our_curve(name="one-cycle", min_lr=1e-4, rise=rise)
    assert curve[highest] == pytest.approx(PEAK)
    assert max(curve) == pytest.approx(PEAK)


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize("rise", [0, 0.3, 0.5, 1])
def test_one_cycle_of_very_few_steps_stays_within_its_rates(total: int, rise: float):
    rate = learning_rate(Schedule(name="one-cycle", min_lr=1e-4, rise=rise), PEAK, total, 1)
    assert all(1e-4 <= rate(step) <= PEAK for step in range(total + 2))


def test_cyclic_in_steps_equals_torch():
    expected = torch_curve(
        lambda o: lr_scheduler.CyclicLR(o, 1e-4, PEAK, 3, 5, mode="triangular2", cycle_momentum=False), STEPS * EPOCHS
    )
    assert our_curve(name="cyclic", min_lr=1e-4, up_steps=3, down_steps=5) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["constant", "step", "exponential", "cosine", "cosine-restarts", "cyclic", "one-cycle"]
)
def test_every_schedule_depends_on_the_step_alone(name: str):
    rate = learning_rate(Schedule(name=name, warmup_epochs=0.5), PEAK, STEPS, EPOCHS)
    forwards = [rate(step) for step in range(STEPS * EPOCHS)]
    assert [rate(step) for step in reversed(range(STEPS * EPOCHS))] == forwards[::-1]
    assert all(0 <= value <= PEAK for value in forwards)
