"""Batches in parts: the same gradient, and what happens when memory runs out."""

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskfold.training.accumulation import Accumulation, parts
from maskfold.training.randomness import Position
from tests.training import drawn
from tests.training.test_loop import train

# Without batch norm, whose statistics see the parts, gradients of parts add up exactly.
PLAIN = {"backbone": "test_vit", "size": (160, 160), "cutmix": {"p": 0.5}}


@given(st.integers(1, 300), st.integers(1, 300) | st.none())
def test_parts_cover_the_batch_evenly_and_none_is_too_large(count: int, micro_batch: int | None):
    found = parts(count, micro_batch)
    assert (found[0].start, found[-1].stop) == (0, count)
    assert all(one.stop == other.start for one, other in pairwise(found))
    sizes = [part.stop - part.start for part in found]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= (micro_batch or count)
    assert len(found) == -(-count // min(micro_batch or count, count))


def stepped(fail_at: int | None = None, **settings: object):
    """Make two steps; optionally memory runs out in the n-th forward pass."""
    draws = np.random.default_rng(0)
    pixels = draws.integers(0, 256, (12, 160, 160, 3), dtype=np.uint8)
    network = drawn.network(**PLAIN, optimizer={"name": "sgd", "lr": 0.1}, **settings)
    learner = drawn.learner(network, (160, 160))
    passes = []

    def fail(module: object, inputs: tuple[torch.Tensor]) -> None:
        passes.append(len(inputs[0]))
        if len(passes) == fail_at:
            raise torch.OutOfMemoryError("CUDA out of memory (a test's)")

    learner.model.register_forward_pre_hook(fail)
    images = drawn.images(pixels)
    losses = [
        learner.step(images.batch(np.arange(12)), np.arange(12) % 3, Position(0, 0).at(0, step), 0.05).item()
        for step in range(2)
    ]
    return learner, losses, passes


def test_a_batch_in_parts_takes_the_same_steps():
    whole, losses, passes = stepped()
    parted, losses_in_parts, passes_in_parts = stepped(micro_batch=5)
    assert passes == [12, 12]
    assert passes_in_parts == [4] * 6
    assert losses_in_parts == pytest.approx(losses, rel=1e-4)
    one, other = whole.snapshot(), parted.snapshot()
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_out_of_memory_halves_the_parts_and_the_step_is_still_the_whole_batchs(caplog: pytest.LogCaptureFixture):
    whole, losses, _ = stepped()
    with caplog.at_level(logging.WARNING):
        parted, losses_in_parts, passes = stepped(fail_at=1)
    assert passes == [12, 6, 6, 6, 6]
    assert "out of memory with 12 images at once; continuing with 6, the batch stays 12 images" in caplog.text
    assert losses_in_parts == pytest.approx(losses, rel=1e-4)
    one, other = whole.snapshot(), parted.snapshot()
    assert all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)
    assert parted.state()["micro_batch"] == 6


def test_what_a_broken_off_attempt_added_is_undone():
    _, losses, _ = stepped(micro_batch=6)
    _, losses_in_parts, passes = stepped(fail_at=2, micro_batch=6)  # the second half of the first batch
    assert passes[:5] == [6, 6, 3, 3, 3]
    assert losses_in_parts == pytest.approx(losses, rel=1e-4)


def test_when_not_even_one_image_fits_the_error_is_told():
    def backward(part: slice, share: float) -> torch.Tensor:
        sizes.append(part.stop - part.start)
        raise torch.OutOfMemoryError("CUDA out of memory (a test's)")

    sizes: list[int] = []
    with pytest.raises(torch.OutOfMemoryError):
        Accumulation(None).run(12, backward, lambda: None)
    assert sizes == [12, 6, 3, 2, 1]


def test_the_smaller_parts_are_remembered_by_checkpoints():
    learner, _, _ = stepped(fail_at=1)
    other = drawn.learner(drawn.network(**{**PLAIN, "size": drawn.SIZE, "backbone": "test_resnet"}))
    assert other.state()["micro_batch"] is None
    state = {**other.state(), "micro_batch": learner.state()["micro_batch"]}
    other.restore(state)
    assert other.state()["micro_batch"] == 6


def test_a_whole_training_in_parts_learns(tmp_path: Path):
    fit, *_ = train(tmp_path, drawn.network(epochs=8, micro_batch=4))
    assert fit.kept_record.valid_macro_f1 > 0.9
