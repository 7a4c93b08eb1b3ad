"""People who are there under two names."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maskfold.audit.doubles import BITS, Looks, duplicate_suspects


def face(seed: int) -> np.ndarray:
    """A smooth picture with an oval in the middle, as faces are alike."""
    random = np.random.default_rng(seed)
    rough = random.integers(60, 200, (12, 9, 3), dtype=np.uint8)
    base = np.asarray(Image.fromarray(rough).resize((96, 128), Image.Resampling.BICUBIC), dtype=np.float32)
    y, x = np.mgrid[:128, :96]
    oval = (((x - 48) / 34) ** 2 + ((y - 64) / 50) ** 2 < 1)[..., None]
    return np.clip(np.where(oval, 0.5 * base + 70, base), 0, 255).astype(np.uint8)


def stored_again(pixels: np.ndarray, brighter: int = 12) -> np.ndarray:
    """As another programme stores it: cropped a little, brighter, with JPEG's artefacts."""
    image = Image.fromarray(pixels).crop((1, 1, 95, 127)).resize((96, 128), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    brightened = np.clip(np.asarray(image, dtype=np.int16) + brighter, 0, 255).astype(np.uint8)
    Image.fromarray(brightened).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream).convert("RGB"))


def test_a_photograph_that_was_stored_again_is_found_under_the_other_name() -> None:
    faces = [face(seed) for seed in range(60)]
    faces += [stored_again(faces[5]), stored_again(faces[17])]
    images = [f"{number}.jpg" for number in range(60)] + ["again.jpg", "eval/x.jpg"]
    people = [f"person {number // 2:02d}" for number in range(60)] + ["another", ""]
    found = duplicate_suspects(Looks.of(faces), images, people)
    assert [(one.person, one.other, one.images) for one in found] == [
        ("another", "person 02", ("again.jpg", "5.jpg")),
        ("person 08", "eval/x.jpg", ("17.jpg", "eval/x.jpg")),
    ]
    assert all(one.kind == "duplicate person" and not one.changes for one in found)


def test_two_alike_photographs_of_one_person_are_no_news() -> None:
    first = face(0)
    assert duplicate_suspects(Looks.of([first, stored_again(first)]), ["a", "b"], ["one", "one"]) == []


def test_blank_pictures_are_like_nothing() -> None:
    blank = np.full((128, 96, 3), 40, dtype=np.uint8)
    assert duplicate_suspects(Looks.of([blank, blank]), ["a", "b"], ["one", "two"]) == []


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_within_the_distance_is_missed(seed: int) -> None:
    """Beside a comparison of all pairs."""
    random = np.random.default_rng(seed)
    bits = random.integers(256, size=(150, 8), dtype=np.uint8)
    for row in range(75):  # near another one, at every distance
        flipped = random.choice(64, size=random.integers(0, 15), replace=False)
        mask = np.zeros(64, dtype=np.uint8)
        mask[flipped] = 1
        bits[75 + row] = bits[row] ^ np.packbits(mask)
    detail = np.ones((150, 1), dtype=np.float32)
    found = duplicate_suspects(Looks(bits, detail), [f"{n}" for n in range(150)], [f"{n:03d}" for n in range(150)])
    expected = {
        (f"{one:03d}", f"{other:03d}")
        for one in range(150)
        for other in range(one + 1, 150)
        if np.unpackbits(bits[one] ^ bits[other]).sum() <= BITS
    }
    assert expected
    assert {(one.person, one.other) for one in found} == expected
