"""Blur beside torchvision's, noise beside its distribution."""

import numpy as np
import pytest
import torch

from maskfold import torchvision_ops  # noqa: F401 - before torchvision
from maskfold.recipe import Augmentation
from maskfold.training import degradation

from torchvision.transforms import functional as reference  # isort: skip


def pictures(count: int = 5, height: int = 24, width: int = 20) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_each_image_is_blurred_with_its_own_gaussian_as_torchvision_does():
    images = pictures()
    sigmas = torch.tensor([0.3, 0.7, 1.0, 1.5, 2.0])
    found = degradation.gaussian_blur(images, sigmas, radius=6)
    for image, sigma, blurred in zip(images, sigmas, found, strict=True):
        assert torch.allclose(blurred, reference.gaussian_blur(image, [13, 13], [sigma.item()] * 2), atol=1e-5)


def test_a_kernel_larger_than_the_image_is_cut():
    images = pictures(2, 3, 5)
    found = degradation.gaussian_blur(images, torch.tensor([4.0, 4.0]), radius=12)
    assert torch.allclose(found[0], reference.gaussian_blur(images[0], [5, 5], [4.0, 4.0]), atol=1e-5)


@pytest.mark.parametrize("name", ["blur", "noise"])
def test_about_the_asked_share_of_images_is_changed_and_the_rest_keeps_its_bits(name: str):
    images = pictures(300, 8, 8)
    settings = Augmentation.model_validate({name: 0.3, "noise_std": (0.02, 0.05), "blur_sigma": (0.5, 1)})
    changed = getattr(degradation, name)(images.clone(), settings, np.random.default_rng(0))
    touched = sum(not torch.equal(new, old) for new, old in zip(changed, images, strict=True))
    assert 60 < touched < 120
    assert 0 <= changed.min() <= changed.max() <= 1


def test_noise_has_the_asked_deviation_image_by_image():
    grey = torch.full((40, 3, 40, 40), 0.5)
    settings = Augmentation(noise=1.0, noise_std=(0.02, 0.08))
    changed = degradation.noise(grey.clone(), settings, np.random.default_rng(0))
    deviations = changed.std(dim=(1, 2, 3))
    assert 0.019 < deviations.min() < 0.03
    assert 0.07 < deviations.max() < 0.082
    assert torch.allclose(changed.mean(dim=(1, 2, 3)), torch.tensor(0.5), atol=0.005)
