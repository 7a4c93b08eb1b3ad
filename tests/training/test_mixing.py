import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskfold.recipe import CutMix, MixUp
from maskfold.training.mixing import Region, draw_partners, draw_region, mix, paste

SHAPES = st.sampled_from(["box", "strip", "half"])


def pictures(count: int, height: int, width: int) -> torch.Tensor:
    """Image n is n everywhere, so that every pixel shows where it comes from."""
    return torch.arange(count, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, height, width).clone()


@given(st.integers(1, 40), st.integers(1, 40), SHAPES, st.floats(0.1, 5), st.integers(0, 2**32 - 1))
def test_label_weights_are_the_true_pixel_shares(height: int, width: int, shape: str, alpha: float, seed: int):
    count = 6
    settings = CutMix(p=1, shape=shape, alpha=alpha)
    images, targets = mix(
        pictures(count, height, width),
        torch.eye(count),
        np.arange(count),
        settings,
        MixUp(),
        np.random.default_rng(seed),
    )
    for image, target in zip(images, targets, strict=True):
        shares = [(image[0] == source).float().mean().item() for source in range(count)]
        assert target.tolist() == pytest.approx(shares, abs=1e-6)


MENU = {
    "box": (CutMix(p=1, shape="box"), MixUp()),
    "strip": (CutMix(p=1, shape="strip"), MixUp()),
    "half": (CutMix(p=1, shape="half", share=(0.1, 0.9)), MixUp()),
    "mixup": (CutMix(), MixUp(p=1, alpha=1)),
}


@pytest.mark.parametrize("name", MENU)
def test_weights_are_the_true_share_over_many_draws(name: str):
    draws = np.random.default_rng(1)
    # Channel n is 1 in image n and 0 elsewhere, so a channel's mean is the share of the pixels that come from n.
    sources = torch.eye(2).view(2, 2, 1, 1).expand(2, 2, 20, 15).contiguous()
    weights, shares = np.empty(10_000), np.empty(10_000)
    for number in range(10_000):
        images, targets = mix(sources, torch.eye(2), np.arange(2), *MENU[name], draws)
        weights[number], shares[number] = targets[0, 1], images[0, 1].mean()
    assert np.corrcoef(weights, shares)[0, 1] > 0.999
    assert np.abs(weights - shares).max() < 1e-5
    assert np.std(shares) > 0.1


@given(st.integers(1, 50), st.integers(1, 50), SHAPES, st.integers(0, 2**32 - 1))
def test_regions_lie_in_the_image(height: int, width: int, shape: str, seed: int):
    region = draw_region(height, width, CutMix(shape=shape), np.random.default_rng(seed))
    assert 0 <= region.top <= region.bottom <= height
    assert 0 <= region.left <= region.right <= width
    if shape in ("strip", "half"):
        assert (region.top, region.bottom) == (0, height)


class Middle:
    """A source of draws that always returns a quarter, and the middle."""

    def beta(self, a: float, b: float) -> float:
        return 0.25

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


def test_the_box_keeps_the_aspect_ratio_and_the_strip_takes_the_share_of_the_width():
    draws = np.random.default_rng(0)
    boxes = [draw_region(400, 200, CutMix(shape="box"), draws) for _ in range(400)]
    inner = [b for b in boxes if b.top > 0 and b.bottom < 400 and b.left > 0 and b.right < 200 and b.area > 2000]
    assert len(inner) > 20
    assert all((b.bottom - b.top) / (b.right - b.left) == pytest.approx(2, rel=0.1) for b in inner)

    strip = draw_region(40, 80, CutMix(shape="strip"), Middle())
    assert (strip.left, strip.right) == (30, 50)


def test_each_image_takes_its_partners_pixels():
    partners = torch.tensor([1, 2, 0])
    images, targets = paste(pictures(3, 4, 4), torch.eye(3), partners, Region(0, 4, 1, 2))
    assert images[:, 0, 0, 1].tolist() == [1, 2, 0]
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert targets.tolist() == [[0.75, 0.25, 0], [0, 0.75, 0.25], [0.25, 0, 0.75]]


def test_a_half_begins_at_an_edge_and_its_share_lies_in_the_range():
    draws = np.random.default_rng(0)
    halves = [draw_region(10, 200, CutMix(shape="half", share=(0.25, 0.6)), draws) for _ in range(500)]
    assert all((region.left == 0) != (region.right == 200) for region in halves)
    assert 0.4 < np.mean([region.left == 0 for region in halves]) < 0.6
    shares = [region.area / 2000 for region in halves]
    assert 0.25 <= min(shares) < 0.27
    assert 0.58 < max(shares) <= 0.6
    assert {draw_region(10, 200, CutMix(shape="half", share=(0.5, 0.5)), draws).area for _ in range(9)} == {1000}


@given(st.floats(0.1, 5), st.integers(0, 2**32 - 1))
def test_mixup_blends_pixels_and_labels_by_the_same_shares(alpha: float, seed: int):
    values = torch.tensor([1.0, 10.0, 100.0, 1000.0])
    pixels = values.view(-1, 1, 1, 1).expand(-1, 3, 5, 4).clone()
    images, targets = mix(
        pixels, torch.eye(4), np.arange(4), CutMix(), MixUp(p=1, alpha=alpha), np.random.default_rng(seed)
    )
    assert images.mean(dim=(1, 2, 3)).tolist() == pytest.approx((targets @ values).tolist(), rel=1e-4)
    assert targets.sum(dim=1).tolist() == pytest.approx([1.0] * 4)


def test_mixup_shares_follow_the_beta_distribution():
    draws = np.random.default_rng(0)
    pair = torch.tensor([0.0, 1.0]).view(-1, 1, 1, 1)
    blends = [mix(pair, torch.eye(2), np.arange(2), CutMix(), MixUp(p=1, alpha=2), draws) for _ in range(4000)]
    shares = np.array([image[0].item() for image, _ in blends])
    shares = shares[shares > 0]  # half of the permutations of two leave both in place
    weights = np.array([target[0, 1].item() for _, target in blends])
    assert len(shares) == pytest.approx(2000, abs=150)
    assert (weights[weights > 0] == shares).all()
    # Beta(2, 2): mean 1/2, variance 1/20.
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert shares.var() == pytest.approx(0.05, abs=0.005)


CLASSES = st.lists(st.integers(0, 4), min_size=1, max_size=24).map(np.array)


@given(CLASSES, st.integers(0, 2**32 - 1))
def test_partners_are_within_or_outside_the_class_as_asked(classes: np.ndarray, seed: int):
    draws = np.random.default_rng(seed)
    everybody = list(range(len(classes)))
    assert sorted(draw_partners(classes, "any", draws)) == everybody
    within = draw_partners(classes, "same-class", draws)
    assert sorted(within) == everybody
    assert (classes[within] == classes).all()
    outside = draw_partners(classes, "other-class", draws)
    if len(set(classes.tolist())) == 1:
        assert outside.tolist() == everybody
    else:
        assert (classes[outside] != classes).all()


def test_partners_are_drawn_evenly():
    draws, classes = np.random.default_rng(0), np.array([2, 0, 2, 1, 0])
    within = np.array([draw_partners(classes, "same-class", draws) for _ in range(4000)])
    outside = np.array([draw_partners(classes, "other-class", draws) for _ in range(4000)])
    assert np.bincount(within[:, 0], minlength=5) / 4000 == pytest.approx([0.5, 0, 0.5, 0, 0], abs=0.04)
    assert np.bincount(outside[:, 0], minlength=5) / 4000 == pytest.approx([0, 1 / 3, 0, 1 / 3, 1 / 3], abs=0.04)
    assert np.bincount(outside[:, 3], minlength=5) / 4000 == pytest.approx([0.25, 0.25, 0.25, 0, 0.25], abs=0.04)


def test_probabilities_decide_whether_a_batch_is_mixed_and_how():
    kinds = {"untouched": 0, "pasted": 0, "blended": 0}
    for seed in range(600):
        before = pictures(4, 8, 8)
        settings = CutMix(p=0.3, shape="half"), MixUp(p=0.5, alpha=5)
        after, _ = mix(before, torch.eye(4), np.zeros(4, dtype=np.int64), *settings, np.random.default_rng(seed))
        if after is before:
            kinds["untouched"] += 1
        elif (after == after.round()).all():
            kinds["pasted"] += 1
        else:
            kinds["blended"] += 1
    assert kinds["untouched"] == pytest.approx(120, abs=35)
    assert kinds["pasted"] == pytest.approx(180 + 300 / 24, abs=45)  # a blend of each image with itself looks pasted
    assert kinds["blended"] == pytest.approx(300 * 23 / 24, abs=45)
