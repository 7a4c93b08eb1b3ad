"""Resizing by products of matrices gives torch's bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.inference.pictures import pictures
from maskfold.inference.resizing import Resize
from maskfold.training.images import resized

SIDE = st.integers(1, 130)


def by_products(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    found = Resize(images.shape[1:3], size)(planes)
    return found.permute(0, 2, 3, 1).numpy()


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.integers(0, 9))
def test_any_size_to_any_other(height: int, width: int, down: int, across: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    assert np.array_equal(by_products(images, (down, across)), resized(images, (down, across)))


@pytest.mark.parametrize("value", [0, 255])
def test_extremes_stay(value: int) -> None:
    images = np.full((1, 97, 61, 3), value, np.uint8)
    assert (by_products(images, (13, 200)) == value).all()


def test_pictures_are_always_the_same_and_use_all_values() -> None:
    images = pictures(64, (64, 48))
    assert np.array_equal(images, pictures(64, (64, 48)))
    assert images.shape == (64, 64, 48, 3)
    assert (images.min(), images.max()) == (0, 255)
