from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold import torchvision_ops  # noqa: F401 - before torchvision
from maskfold.recipe import Augmentation
from maskfold.training import colour
from maskfold.training.augmentation import augment

from torchvision.transforms import functional as reference  # isort: skip

CHANGES = {
    "brightness": (colour.adjust_brightness, reference.adjust_brightness, (0.2, 3)),
    "contrast": (colour.adjust_contrast, reference.adjust_contrast, (0.2, 3)),
    "saturation": (colour.adjust_saturation, reference.adjust_saturation, (0.2, 3)),
    "hue": (colour.adjust_hue, reference.adjust_hue, (-0.5, 0.5)),
}
NOTHING = {"flip": 0.0, "jitter": "none", "erasing": 0.0}


def pictures(count: int = 16, height: int = 12, width: int = 10, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def augmented(images: torch.Tensor, seed: int = 0, **chosen: object) -> torch.Tensor:
    return augment(images.clone(), Augmentation.model_validate({**NOTHING, **chosen}), np.random.default_rng(seed))


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_colour_changes_equal_torchvision_image_by_image(name: str, seed: int):
    ours, theirs, (low, high) = CHANGES[name]
    images = pictures(5, 4, 4, seed)
    images[0, :, 0, 0] = 0.5  # grey: hue undefined
    images[1, :, 0, 0] = 0
    amounts = torch.from_numpy(np.random.default_rng(seed).uniform(low, high, 5).astype(np.float32))
    found = ours(images, amounts)
    for image, amount, changed in zip(images, amounts, found, strict=True):
        assert torch.allclose(changed, theirs(image, amount.item()), atol=2e-5)


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_rest():
    images = pictures(400)
    changed = augmented(images, flip=0.5)
    mirrored = [torch.equal(new, old.flip(2)) for new, old in zip(changed, images, strict=True)]
    same = [torch.equal(new, old) for new, old in zip(changed, images, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 160 < sum(mirrored) < 240


def test_one_of_makes_exactly_one_change_to_each_image():
    images = pictures(60)
    ranges = {"brightness": (0.5, 0.5), "contrast": (0.5, 0.5), "saturation": (0.5, 0.5), "hue": (0.25, 0.25)}
    changed = augmented(images, jitter="one-of", **ranges)
    seen = []
    for new, old in zip(changed, images, strict=True):
        fits = [
            name
            for name, (_, theirs, _) in CHANGES.items()
            if torch.allclose(new, theirs(old, ranges[name][0]), atol=2e-5)
        ]
        assert len(fits) == 1
        seen += fits
    assert set(seen) == set(CHANGES)


def test_all_applies_every_change_in_an_order_drawn_for_each_image():
    images = pictures(12)
    ranges = {"brightness": (1.4, 1.4), "contrast": (0.5, 0.5), "saturation": (0.5, 0.5), "hue": (0.25, 0.25)}
    changed = augmented(images, jitter="all", **ranges)
    orders = set()
    for new, old in zip(changed, images, strict=True):
        fitting = []
        for order in permutations(CHANGES):
            picture = old
            for name in order:
                picture = CHANGES[name][1](picture, ranges[name][0])
            if torch.allclose(new, picture, atol=5e-5):
                fitting.append(order)
        assert fitting
        orders.add(fitting[0])
    assert len(orders) > 3


def test_jitter_probability_leaves_the_other_images_untouched():
    images = pictures(300)
    changed = augmented(images, jitter="all", jitter_p=0.4, brightness=(0.4, 0.6))
    untouched = sum(torch.equal(new, old) for new, old in zip(changed, images, strict=True))
    assert 150 < untouched < 210


@given(st.integers(0, 10_000), st.tuples(st.floats(0.02, 0.3), st.floats(0.3, 0.9)))
def test_erasing_overwrites_one_rectangle_of_the_asked_area(seed: int, areas: tuple[float, float]):
    images = pictures(6, 40, 30)
    changed = augmented(images, seed, erasing=1.0, erasing_area=areas)
    for new, old in zip(changed, images, strict=True):
        touched = (new != old).any(dim=0)
        rows, columns = touched.any(dim=1).nonzero().flatten(), touched.any(dim=0).nonzero().flatten()
        box = touched[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.all()
        # Rounding both sides moves the area by at most half a row and half a column.
        slack = (sum(box.shape) / 2 + 0.5) / touched.numel()
        assert areas[0] - slack <= touched.float().mean().item() <= areas[1] + slack
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_erasing_draws_a_rectangle_for_each_image_with_its_probability():
    images = pictures(300, 20, 20)
    changed = augmented(images, erasing=0.25)
    rectangles = {
        tuple(map(tuple, (new != old).any(dim=0).nonzero().tolist())) for new, old in zip(changed, images, strict=True)
    }
    erased = sum((new != old).any().item() for new, old in zip(changed, images, strict=True))
    assert 50 < erased < 105
    assert len(rectangles) > 40


def test_grey_takes_the_colours_from_its_share_of_the_images():
    images = pictures(300)
    changed = augmented(images, grey=0.3)
    greys = 0
    for new, old in zip(changed, images, strict=True):
        is_grey = torch.allclose(new[0], new[1], atol=1e-6) and torch.allclose(new[1], new[2], atol=1e-6)
        greys += is_grey
        assert torch.allclose(new, reference.rgb_to_grayscale(old, 3), atol=1e-5) if is_grey else torch.equal(new, old)
    assert 60 < greys < 120


@pytest.mark.parametrize("preset", ["none", "light", "hot6", "strong"])
def test_presets_keep_shape_and_range_and_change_what_they_say(preset: str):
    images = pictures(32, 32, 24)
    changed = augment(images.clone(), Augmentation.model_validate(preset), np.random.default_rng(0))
    assert changed.shape == images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    touched = sum(not torch.equal(new, old) for new, old in zip(changed, images, strict=True))
    assert touched == 0 if preset == "none" else touched > 20
    again = augment(images.clone(), Augmentation.model_validate(preset), np.random.default_rng(0))
    assert torch.equal(changed, again)


def test_the_same_draws_give_the_same_bits_and_others_do_not():
    chosen = {"flip": 0.5, "jitter": "all", "erasing": 0.5}
    first, again, other = (augmented(pictures(), seed, **chosen) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_number_of_draws_does_not_depend_on_the_pixels():
    chosen = Augmentation(flip=0.5, jitter="all", erasing=0.5, grey=0.5, blur=0.5, noise=0.5, randaugment=2, affine=0.5)
    states = []
    for seed in (0, 1):
        draws = np.random.default_rng(5)
        augment(pictures(seed=seed), chosen, draws)
        states.append(draws.bit_generator.state)
    assert states[0] == states[1]
