"""The batched cascade, compared with facenet-pytorch's loop."""

from pathlib import Path

import facenet_pytorch.models.utils.detect_face as original
import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from PIL import Image as Pillow

from maskfold.dataset.images import decode
from maskfold.faces.cascade import Cascade, Look
from maskfold.faces.detector import Candidates, Image
from maskfold.faces.suppression import suppress


def photographs(folder: Path, step: int) -> list[Image]:
    files = sorted(path for path in folder.glob("train/images/*/*") if not path.name.startswith("."))
    return [decode(path) for path in files[::step]]


@pytest.fixture(scope="module")
def real(real_data: Path) -> list[Image]:
    return photographs(real_data, 100)


@pytest.fixture(scope="module")
def drawn(drawn_data: Path) -> list[Image]:
    return photographs(drawn_data, 5)


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> MTCNN:
    # torchvision's compiled suppression may not fit this torch.
    monkeypatch.setattr(original, "batched_nms", lambda b, s, i, t: _by_score(suppress(b, s, i, t), s))
    return MTCNN(keep_all=True)


def _by_score(kept: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    return kept[torch.argsort(scores[kept], descending=True, stable=True)]


def assert_same(found: Candidates, boxes: np.ndarray | None, probabilities: np.ndarray) -> None:
    expected = [] if boxes is None else sorted(zip(probabilities, boxes.tolist(), strict=True), reverse=True)
    assert len(found) == len(expected)
    for box, probability, (p, b) in zip(found.boxes, found.probabilities, expected, strict=True):
        assert probability == pytest.approx(p, abs=1e-4)
        assert box == pytest.approx(b, abs=0.01)


def test_equals_the_original_on_the_same_pyramid(real: list[Image], reference: MTCNN) -> None:
    cascade = Cascade(Look(min_face=20 / 239, thresholds=(0.6, 0.7, 0.7), overlap=0.7, detail=240))
    for image, found in zip(real, cascade.detect(real), strict=True):
        assert_same(found, *reference.detect(Pillow.fromarray(image)))


def test_looking_less_closely_keeps_the_faces(real: list[Image], reference: MTCNN) -> None:
    alike = []
    for image, found in zip(real, Cascade().detect(real), strict=True):
        boxes, probabilities = reference.detect(Pillow.fromarray(image))
        if boxes is not None:
            best = boxes[int(np.argmax(probabilities))]
            alike.append(len(found) > 0 and iou(found.boxes[0], best) >= 0.7)
    assert np.mean(alike) >= 0.96


def iou(a: np.ndarray, b: np.ndarray) -> float:
    common = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))


def test_results_do_not_depend_on_other_images_or_order(drawn: list[Image]) -> None:
    cascade = Cascade()
    small = [np.asarray(Pillow.fromarray(image).resize((120, 160))) for image in drawn[:3]]
    images = [*drawn, *small]
    together = cascade.detect(images)
    assert sum(map(len, together)) > len(drawn) // 2
    for found, backwards in zip(together, cascade.detect(images[::-1])[::-1], strict=True):
        assert np.array_equal(found.boxes, backwards.boxes)
        assert np.array_equal(found.probabilities, backwards.probabilities)
    for image, found in list(zip(images, together, strict=True))[::4]:
        alone = cascade.detect([image])[0]
        assert np.array_equal(found.boxes, alone.boxes)
        assert np.array_equal(found.probabilities, alone.probabilities)


@pytest.mark.parametrize("factor", [2, 5])
def test_large_photographs_give_the_same_boxes_in_their_own_pixels(drawn: list[Image], factor: int) -> None:
    found_small, found_large = [], []
    for image in drawn[:6]:
        height, width = image.shape[:2]
        large = np.asarray(Pillow.fromarray(image).resize((width * factor, height * factor), Pillow.Resampling.BICUBIC))
        small, big = Cascade().detect([image, large])
        found_small.append(small.boxes[0] * factor if len(small) else None)
        found_large.append(big.boxes[0] if len(big) else None)
    pairs = [(s, b) for s, b in zip(found_small, found_large, strict=True) if s is not None and b is not None]
    assert len(pairs) >= 4
    for expected, box in pairs:
        assert np.abs(box - expected).max() < 0.2 * (expected[2] - expected[0])


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (16, 16), (3000, 20)])
def test_odd_shapes_are_searched_without_errors(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    (found,) = Cascade().detect([image])
    assert found.boxes.shape == (len(found), 4)


def test_plain_and_noisy_pictures_have_no_detections() -> None:
    rng = np.random.default_rng(0)
    images = [np.full((320, 240, 3), grey, np.uint8) for grey in (0, 128, 255)]
    images += [rng.integers(0, 256, (320, 240, 3), dtype=np.uint8) for _ in range(5)]
    assert all((found.probabilities < 0.9).all() for found in Cascade().detect(images))


def test_no_images() -> None:
    assert Cascade().detect([]) == []


def test_the_callers_threads_are_left_as_they_were() -> None:
    before = torch.get_num_threads()
    Cascade().detect([np.zeros((64, 64, 3), np.uint8)])
    assert torch.get_num_threads() == before


@pytest.mark.gpu
def test_a_gpu_finds_the_same_faces(drawn: list[Image]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for on_gpu, on_cpu in zip(Cascade(device="cuda").detect(drawn), Cascade().detect(drawn), strict=True):
        assert len(on_gpu) == len(on_cpu)
        np.testing.assert_allclose(on_gpu.boxes, on_cpu.boxes, atol=1.0)
        np.testing.assert_allclose(on_gpu.probabilities, on_cpu.probabilities, atol=0.01)
