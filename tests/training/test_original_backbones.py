"""Every backbone that the original team tried trains one step, under the team's names."""

import numpy as np
import pytest
import torch

from maskfold.training.backbones import classifier_prefixes
from maskfold.training.randomness import Position
from tests.training import drawn

ORIGINAL = (
    "resnet18",
    "resnet50",
    "resnet101",
    "rexnet_100",
    "efficientnet_b1_pruned",
    "efficientnet_b2_pruned",
    "efficientnet_b3_pruned",
    "efficientnet_b4",
    "seresnext26d_32x4d",
    "nfnet_l0",
    "darknet53",
)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ORIGINAL)
def test_it_takes_a_step_and_predicts(backbone: str):
    size = (64, 64)
    network = drawn.network(backbone=backbone, target="joint", batch_size=2)
    learner = drawn.learner(network, size)
    before = learner.snapshot()
    pixels = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    images = drawn.images(pixels)
    loss = learner.step(images.batch(np.arange(2)), np.array([3, 17]), Position(0, 0), 0.001)
    assert 0.5 < loss.item() < 10
    after = learner.snapshot()
    # Blocks that begin as identities (zero gains) move later; the first layer and the head move at once.
    first = next(name for name, _ in learner.model.named_parameters())
    for name in (first, *(name for name in before if name.startswith(classifier_prefixes(learner.model)))):
        assert not torch.equal(before[name], after[name]), name
    probabilities = learner.probabilities(images, np.arange(2))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
