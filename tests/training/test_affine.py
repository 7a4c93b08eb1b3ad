"""Geometry of batches, beside torchvision's of single images."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold import torchvision_ops  # noqa: F401 - before torchvision
from maskfold.recipe import Augmentation
from maskfold.training import affine

from torchvision.transforms import InterpolationMode  # isort: skip
from torchvision.transforms import functional as reference  # isort: skip

HEIGHT, WIDTH = 36, 28
ALL = np.ones(4, dtype=bool)


def pictures(count: int = 4, border: int = 0) -> torch.Tensor:
    images = torch.rand(count, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    inside = torch.zeros(HEIGHT, WIDTH)
    inside[border : HEIGHT - border, border : WIDTH - border] = 1
    return images * inside  # black borders: pixels from outside are black in both


def warped(images: torch.Tensor, seed: int = 0, **chosen: object) -> torch.Tensor:
    return affine.warp(images.clone(), Augmentation.model_validate(chosen), np.random.default_rng(seed))


@settings(max_examples=30)
@given(
    st.floats(-180, 180),
    st.floats(-30, 30),
    st.floats(0.5, 1.5),
    st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
)
def test_matrices_move_pixels_as_torchvision_does(degrees: float, sheared: float, factor: float, shift: tuple):
    images = pictures(border=8)
    count = len(images)
    matrices = (
        affine.translation(np.tile(shift, (count, 1)))
        @ affine.rotation(np.full(count, np.deg2rad(degrees)))
        @ affine.shear(np.full(count, np.deg2rad(sheared)))
        @ affine.scaling(np.full(count, factor), np.full(count, factor))
    )
    expected = reference.affine(
        images, -degrees, list(shift), factor, [sheared, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    assert torch.allclose(affine.transform(images.clone(), matrices, ALL), expected, atol=2e-3)


def test_vertical_shear_is_the_horizontal_one_of_the_turned_picture():
    images = pictures(border=6)
    down = affine.transform(images.clone(), affine.shear(np.full(4, 0.3), vertical=True), ALL)
    turned = affine.transform(images.transpose(2, 3).contiguous(), affine.shear(np.full(4, 0.3)), ALL)
    assert torch.allclose(down, turned.transpose(2, 3), atol=1e-5)


def test_images_that_are_not_chosen_keep_their_bits():
    images = pictures()
    chosen = np.array([True, False, True, False])
    moved = affine.transform(images.clone(), affine.rotation(np.full(4, 1.0)), chosen)
    assert torch.equal(moved[~chosen], images[~chosen])
    assert not torch.equal(moved[chosen], images[chosen])


def test_the_identity_changes_nothing_visible():
    assert torch.allclose(affine.transform(pictures(), affine.identity(4), ALL), pictures(), atol=1e-5)


def test_an_affine_change_is_drawn_for_each_image_with_its_probability():
    images = pictures(200)
    changed = warped(images, affine=0.4)
    touched = [not torch.equal(new, old) for new, old in zip(changed, images, strict=True)]
    assert 55 < sum(touched) < 105
    still = warped(images, affine=1.0, rotation=(0, 0), translation=(0, 0), scale=(1, 1), shear=(0, 0))
    assert torch.allclose(still, images, atol=1e-5)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"translation": (0.25, 0.25), "rotation": (0, 0), "scale": (1, 1), "shear": (0, 0)}, affine.translation),
        ({"translation": (0, 0), "rotation": (30, 30), "scale": (1, 1), "shear": (0, 0)}, affine.rotation),
        ({"translation": (0, 0), "rotation": (0, 0), "scale": (0.5, 0.5), "shear": (0, 0)}, affine.scaling),
        ({"translation": (0, 0), "rotation": (0, 0), "scale": (1, 1), "shear": (20, 20)}, affine.shear),
    ],
)
def test_each_setting_means_its_own_change(chosen: dict[str, object], expected: object):
    arguments = {
        affine.translation: [np.tile([WIDTH / 4, HEIGHT / 4], (4, 1))],
        affine.rotation: [np.full(4, np.deg2rad(30))],
        affine.scaling: [np.full(4, 0.5)] * 2,
        affine.shear: [np.full(4, np.deg2rad(20))],
    }[expected]
    by_hand = affine.transform(pictures(), expected(*arguments), ALL)
    assert torch.allclose(warped(pictures(), affine=1.0, **chosen), by_hand, atol=1e-5)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.tuples(st.floats(0.1, 0.5), st.floats(0.5, 1)))
def test_a_crop_shows_a_part_of_the_asked_area_and_nothing_from_outside(seed: int, areas: tuple[float, float]):
    # Coordinates as colours show which part is visible.
    x = torch.linspace(-1 + 1 / WIDTH, 1 - 1 / WIDTH, WIDTH).expand(HEIGHT, WIDTH)
    y = torch.linspace(-1 + 1 / HEIGHT, 1 - 1 / HEIGHT, HEIGHT).view(-1, 1).expand(HEIGHT, WIDTH)
    images = torch.stack([x, y, x * 0]).repeat(4, 1, 1, 1)
    ratios = (0.8, 1.25)
    changed = warped(images, seed, crop=1.0, crop_area=areas, crop_ratio=ratios)
    for seen in changed:
        middle = seen[:, 4:-4, 4:-4]  # clear of the half pixel at the border
        wide = (middle[0, 0, -1] - middle[0, 0, 0]).item() / 2 * WIDTH / (WIDTH - 9)
        high = (middle[1, -1, 0] - middle[1, 0, 0]).item() / 2 * HEIGHT / (HEIGHT - 9)
        assert areas[0] - 0.02 <= wide * high <= areas[1] + 0.02
        assert 0.95 * min(ratios[0], areas[1]) <= wide / high <= 1.05 * max(ratios[1], 1 / areas[1])
        assert wide <= 1.001
        assert high <= 1.001


def test_crop_follows_affine_and_draws_do_not_depend_on_pixels():
    states = []
    for images in (pictures(), torch.zeros(4, 3, HEIGHT, WIDTH)):
        draws = np.random.default_rng(3)
        affine.warp(images, Augmentation(affine=0.5, crop=0.5), draws)
        states.append(draws.bit_generator.state)
    assert states[0] == states[1]
