"""Learning rates as pure functions of the number of optimizer steps made."""

from __future__ import annotations

import math
from collections.abc import Callable

from maskfold.recipe import Schedule

Rate = Callable[[int], float]


def learning_rate(schedule: Schedule, peak: float, steps_per_epoch: int, epochs: int) -> Rate:
    """Return the learning rate of each optimizer step.

    Args:
        schedule: Shape; its lengths are in epochs and rounded to whole steps.
        peak: ``optimizer.lr``: the constant rate, the rate that decays begin from, the peak of cycles.
        steps_per_epoch: Optimizer steps in an epoch.
        epochs: Epochs in all, the warm-up included.

    Returns:
        A function from the number of steps already made (0 for the first step) to that step's rate. During the
        warm-up of W steps it is (step + 1) / W of the schedule's first rate.
    """
    warmup = round(schedule.warmup_epochs * steps_per_epoch)
    proper = _proper(schedule, peak, steps_per_epoch, total=max(1, steps_per_epoch * epochs - warmup))

    def rate(step: int) -> float:
        if step < warmup:
            return proper(0) * (step + 1) / warmup
        return proper(step - warmup)

    return rate


def _proper(schedule: Schedule, peak: float, steps_per_epoch: int, total: int) -> Rate:
    low, name = schedule.min_lr, schedule.name
    if name == "step":
        period = _steps(schedule.step_epochs, steps_per_epoch)
        return lambda step: peak * schedule.gamma ** (step // period)
    if name == "exponential":
        length = schedule.step_epochs * steps_per_epoch
        return lambda step: peak * schedule.gamma ** (step / length)
    if name == "cosine":  # one period
        return lambda step: low + (peak - low) * _half_cosine(min(step, total) / total)
    if name == "cosine-restarts":
        first = _steps(schedule.cycle_epochs, steps_per_epoch)
        return lambda step: low + (peak - low) * _half_cosine(_within_cycle(step, first, schedule.cycle_growth))
    if name == "cyclic":
        up = schedule.up_steps or _steps(schedule.up_epochs, steps_per_epoch)
        down = schedule.down_steps or _steps(schedule.down_epochs, steps_per_epoch)
        return lambda step: low + (peak - low) * _triangular2(step, up, down)
    if name == "one-cycle":
        return lambda step: _one_cycle(step, total, schedule.rise, peak / schedule.start_divisor, peak, low)
    return lambda _: peak


def _steps(epochs: float, steps_per_epoch: int) -> int:
    return max(1, round(epochs * steps_per_epoch))


def _half_cosine(progress: float) -> float:
    """Fall from 1 to 0 as progress goes from 0 to 1 (Loshchilov & Hutter 2017, SGDR, section 3, eq. 5)."""
    return (1 + math.cos(math.pi * progress)) / 2


def _within_cycle(step: int, first: int, growth: int) -> float:
    """Return how much of its cycle is over at a step, 0 at a restart; each cycle is ``growth`` times the one before.

    Loshchilov & Hutter 2017, SGDR, section 3: T_cur / T_i, with T_0 = ``first`` and T_mult = ``growth``.
    """
    length = first
    while step >= length:
        if growth == 1:
            return step % length / length
        step, length = step - length, length * growth
    return step / length


def _triangular2(step: int, up: int, down: int) -> float:
    """Height of a triangle wave whose peak halves with each cycle (Smith 2017, Cyclical Learning Rates, section 3)."""
    cycle, within = divmod(step, up + down)
    height = within / up if within <= up else (up + down - within) / down
    return float(height * 0.5**cycle)


def _one_cycle(step: int, total: int, rise: float, first: float, peak: float, last: float) -> float:
    """Rise from ``first`` to ``peak`` in the first share ``rise`` of the steps, fall to ``last`` in the others.

    Smith & Topin 2018, Super-Convergence, section 3 (the 1cycle policy), with half a cosine each way, as in torch.
    """
    top, end = rise * total - 1, total - 1
    if step < top:
        return peak + (first - peak) * _half_cosine(step / top)
    top = max(top, 0.0)
    progress = min((step - top) / (end - top), 1.0) if end > top else 0.0
    return last + (peak - last) * _half_cosine(progress)
