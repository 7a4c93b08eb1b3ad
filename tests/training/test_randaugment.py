"""RandAugment's changes beside torchvision's, and how they are drawn."""

import numpy as np
import torch

from maskfold import torchvision_ops  # noqa: F401 - before torchvision
from maskfold.recipe import Augmentation
from maskfold.training import affine, randaugment
from maskfold.training.randaugment import CHANGES

from torchvision.transforms import functional as reference  # isort: skip


def pictures(count: int = 6, seed: int = 0) -> torch.Tensor:
    values = torch.randint(0, 256, (count, 3, 16, 12), generator=torch.Generator().manual_seed(seed))
    return values.float() / 255


def changed(images: torch.Tensor, seed: int = 0, **chosen: object) -> torch.Tensor:
    return randaugment.randaugment(images.clone(), Augmentation.model_validate(chosen), np.random.default_rng(seed))


def test_pointwise_changes_equal_torchvision():
    images, strengths = pictures(), np.full(6, 0.5)
    bright = images.clamp(0.1, 0.9)
    assert torch.allclose(randaugment._solarize(images, strengths), reference.solarize(images, 0.5))
    assert torch.allclose(randaugment._autocontrast(bright, strengths), reference.autocontrast(bright), atol=1e-6)
    whole = (images * 255).round().to(torch.uint8)
    posterized = (randaugment._posterize(images, strengths) * 256).round().to(torch.uint8)
    assert torch.equal(posterized & 0xFC, reference.posterize(whole, 6) & 0xFC)
    flat = torch.full_like(images, 0.3)
    assert torch.equal(randaugment._autocontrast(flat, strengths), flat)


def test_the_sign_turns_the_direction_of_shapes_and_colours():
    images = pictures()
    plus, minus = np.full(6, 0.4), np.full(6, -0.4)
    for name in ("_rotate", "_shear_x", "_shear_y", "_shift_x", "_shift_y"):
        change = getattr(randaugment, name)
        assert not torch.allclose(change(images.clone(), plus), change(images.clone(), minus), atol=1e-2), name
    moved = randaugment._rotate(images.clone(), np.full(6, 1.0))
    by_hand = affine.transform(images.clone(), affine.rotation(np.full(6, np.pi / 6)), np.ones(6, dtype=bool))
    assert torch.equal(moved, by_hand)


def test_strength_zero_leaves_the_picture_but_for_autocontrast():
    images = pictures()
    for change in CHANGES:
        if change is not randaugment._autocontrast:
            assert torch.allclose(change(images.clone(), np.zeros(6)), images, atol=1 / 255), change


def test_every_change_is_drawn_about_equally_often(monkeypatch):
    counts = np.zeros(len(CHANGES))

    def counted(number: int):
        def change(images: torch.Tensor, strengths: np.ndarray) -> torch.Tensor:
            assert np.allclose(np.abs(strengths), 0.7)
            counts[number] += len(images)
            return images

        return change

    monkeypatch.setattr(randaugment, "CHANGES", tuple(counted(n) for n in range(len(CHANGES))))
    changed(torch.zeros(1200, 1, 2, 2), randaugment=2, magnitude=7)
    assert counts.sum() == 2400
    assert counts.min() > 150
    assert counts.max() < 250


def test_images_stay_in_range_and_the_same_draws_give_the_same_bits():
    first = changed(pictures(64), randaugment=3, magnitude=10)
    assert 0 <= first.min() <= first.max() <= 1
    assert torch.equal(first, changed(pictures(64), randaugment=3, magnitude=10))
    assert not torch.equal(first, changed(pictures(64), seed=1, randaugment=3, magnitude=10))
