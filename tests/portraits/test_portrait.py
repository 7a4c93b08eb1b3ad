"""What can be seen in the drawn portraits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from portraits.head import face_outline
from portraits.mask import WRONG, Mask, mask_outline, sample_mask, sample_masks
from portraits.person import FEMALE, MALE, Person
from portraits.population import sample_person
from portraits.portrait import paint_portrait
from portraits.shot import Shot, sample_shot

WIDTH, HEIGHT = 384, 512


def sitter(number: int) -> tuple[Person, Shot, np.random.Generator]:
    rng = np.random.default_rng([11, number])
    person = sample_person(rng, number % 2, (22, 45, 66)[number // 2 % 3])
    return person, sample_shot(rng, WIDTH, HEIGHT), rng


def portrait(
    person: Person, shot: Shot, mask: Mask | None, width: int = WIDTH, height: int = HEIGHT
) -> NDArray[np.float64]:
    picture = paint_portrait(person, shot, mask, width, height, np.random.default_rng(0))
    return np.asarray(picture, np.float64)


def region(shot: Shot, x: float, y: float, half: float = 0.12) -> tuple[slice, slice]:
    column, row = shot.pose.project([(x, y)])[0]
    reach = half * shot.pose.scale
    return slice(int(row - reach), int(row + reach) + 1), slice(int(column - reach), int(column + reach) + 1)


def test_a_mask_changes_the_mouth_and_leaves_the_eyes() -> None:
    for number in range(12):
        person, shot, rng = sitter(number)
        bare, masked = portrait(person, shot, None), portrait(person, shot, sample_mask(rng, "right"))
        changed = np.abs(bare - masked).mean(axis=2)
        assert changed[region(shot, 0, person.face.mouth_y)].mean() > 5, number
        assert changed[region(shot, 0, -0.7)].mean() < 2, number


@pytest.mark.parametrize("wearing", WRONG)
def test_a_wrongly_worn_mask_leaves_the_nose_bare(wearing: Any) -> None:
    for number in range(6):
        person, shot, rng = sitter(number)
        wrong = portrait(person, shot, sample_mask(rng, wearing))
        bare = portrait(person, shot, None)
        changed = np.abs(bare - wrong).mean(axis=2)
        assert changed[region(shot, 0, 0.35, 0.08)].mean() < 2, number
        below = person.face.chin + (0.2 if wearing == "under chin" else -0.1)
        assert changed[region(shot, 0, below, 0.08)].mean() > 3, number


def test_right_masks_hide_nose_and_mouth_and_wrong_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        face = sample_person(rng, number % 2, 40).face
        right = mask_outline(sample_mask(rng, "right"), face)[:, 1]
        assert right.min() < face.nose_tip - 0.25
        assert right.max() > face.chin - 0.1
        for wearing in WRONG:
            wrong = mask_outline(sample_mask(rng, wearing), face)[:, 1]
            middle = wrong[0]
            assert middle > face.nose_tip - 0.1


def test_the_masks_of_one_person_differ() -> None:
    for seed in range(20):
        masks = sample_masks(np.random.default_rng(seed), 5)
        assert len({mask.kind for mask in masks}) >= 3
        assert len({mask.colour for mask in masks}) == 5


def test_age_shows_in_wrinkles_and_grey_hair() -> None:
    rng = np.random.default_rng(1)
    young, old = ([sample_person(rng, i % 2, age) for i in range(80)] for age in (23, 66))
    assert np.mean([p.face.wrinkles for p in old]) > np.mean([p.face.wrinkles for p in young]) + 0.6
    greyness = [[np.mean(p.hair.colour) for p in group] for group in (old, young)]
    assert np.mean(greyness[0]) > np.mean(greyness[1]) + 0.2
    assert np.min(greyness[0]) < np.max(greyness[1])  # no single cue decides


def test_wrinkles_are_visible_on_the_forehead() -> None:
    person, shot, _ = sitter(0)
    hair = dataclasses.replace(person.hair, style="bald")
    camera = dataclasses.replace(shot.camera, noise=0.0)
    shot = dataclasses.replace(shot, camera=camera)

    def contrast(wrinkles: float) -> float:
        face = dataclasses.replace(person.face, wrinkles=wrinkles)
        picture = portrait(dataclasses.replace(person, face=face, hair=hair, glasses=None), shot, None)
        return float(np.abs(np.diff(picture[region(shot, 0, -0.68, 0.2)], axis=0)).mean())

    assert contrast(0.9) > 1.3 * contrast(0.0)


def test_gender_shows_in_jaw_brows_and_hair_without_deciding_alone() -> None:
    rng = np.random.default_rng(2)
    men, women = ([sample_person(rng, gender, 35) for _ in range(200)] for gender in (MALE, FEMALE))
    assert np.mean([p.face.jaw for p in men]) > np.mean([p.face.jaw for p in women]) + 0.05
    assert np.mean([p.face.brow_width for p in men]) > np.mean([p.face.brow_width for p in women]) + 0.02
    long = [np.mean([p.hair.style in ("long", "bob", "tied") for p in group]) for group in (men, women)]
    assert 0 < long[0] < 0.25
    assert 0.75 < long[1] < 1
    assert np.min([p.face.jaw for p in men]) < np.max([p.face.jaw for p in women])


def test_a_bare_face_is_mirrored_by_its_outline() -> None:
    outline = face_outline(sitter(0)[0].face)
    assert np.isclose(outline[:, 0].min(), -outline[:, 0].max(), atol=1e-6)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (192, 256), (500, 300)])
def test_any_size_can_be_drawn(width: int, height: int) -> None:
    rng = np.random.default_rng(5)
    for number in range(3):
        person = sample_person(rng, number % 2, 20 + 25 * number)
        shot = sample_shot(rng, width, height)
        picture = paint_portrait(person, shot, sample_mask(rng, "right"), width, height, rng)
        assert picture.size == (width, height)
        assert np.asarray(picture).std() > 10


def test_photographs_of_one_person_differ_in_pose_and_light() -> None:
    rng = np.random.default_rng(3)
    shots = [sample_shot(rng, WIDTH, HEIGHT) for _ in range(30)]
    assert np.std([s.pose.scale for s in shots]) > 2
    assert np.std([s.pose.yaw for s in shots]) > 0.05
    assert np.std([s.light.exposure for s in shots]) > 0.03


def non_maximum_suppression(boxes: Any, scores: Any, groups: Any, threshold: float) -> Any:
    """Stand in for torchvision's compiled operator, which a CPU build of torch may lack."""
    import torch

    apart = boxes + groups[:, None].to(boxes) * (boxes.max() + 1 if len(boxes) else 0)
    left, top, right, bottom = apart.unbind(1)
    area = (right - left) * (bottom - top)
    order, kept = scores.argsort(descending=True), []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(int(first))
        width = torch.minimum(right[first], right[rest]) - torch.maximum(left[first], left[rest])
        height = torch.minimum(bottom[first], bottom[rest]) - torch.maximum(top[first], top[rest])
        overlap = width.clamp(min=0) * height.clamp(min=0)
        order = rest[overlap / (area[first] + area[rest] - overlap) <= threshold]
    return torch.tensor(kept, dtype=torch.int64)


def test_mtcnn_finds_the_bare_faces_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import maskfold.torchvision_ops  # noqa: F401  before torchvision

    facenet_pytorch = pytest.importorskip("facenet_pytorch")
    monkeypatch.setattr("facenet_pytorch.models.utils.detect_face.batched_nms", non_maximum_suppression)
    detector = facenet_pytorch.MTCNN(device="cpu")
    found = 0
    for number in range(24):
        person, shot, _ = sitter(number)
        picture = Image.fromarray(portrait(person, shot, None).astype(np.uint8))
        boxes, probabilities = detector.detect(picture)
        if boxes is None or probabilities[0] < 0.9:
            continue
        left, top, right, bottom = boxes[0]
        inside = [
            left < x < right and top < y < bottom for x, y in shot.pose.project([(-0.45, 0), (0.45, 0), (0, 1.0)])
        ]
        found += all(inside)
    assert found >= 23
