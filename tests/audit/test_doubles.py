"""People who are there under two names."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from maskfold.audit.doubles import Looks, duplicate_suspects


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


@given(
    st.integers(0, 59),
    st.lists(st.floats(0, 0.03), min_size=4, max_size=4),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_a_copy_that_is_cropped_otherwise_or_mirrored_is_found(
    chosen: int, cut: list[float], mirrored: bool, first: bool
) -> None:
    faces = [face(seed) for seed in range(60)]
    left, top, right, bottom = cut
    box = round(left * 96), round(top * 128), round((1 - right) * 96), round((1 - bottom) * 128)
    copy = Image.fromarray(faces[chosen]).crop(box).resize((96, 128), Image.Resampling.BICUBIC)
    other = np.asarray(ImageOps.mirror(copy) if mirrored else copy)
    people = [f"person {number:02d}" for number in range(60)]
    everything, names = ([other, *faces], ["another", *people]) if first else ([*faces, other], [*people, "another"])
    [found] = duplicate_suspects(Looks.of(everything), [f"{name}.jpg" for name in names], names)
    assert (found.person, found.other) == ("another", f"person {chosen:02d}")


def test_two_alike_photographs_of_one_person_are_no_news() -> None:
    first = face(0)
    assert duplicate_suspects(Looks.of([first, stored_again(first)]), ["a", "b"], ["one", "one"]) == []


def test_blank_pictures_are_like_nothing() -> None:
    blank = np.full((128, 96, 3), 40, dtype=np.uint8)
    assert duplicate_suspects(Looks.of([blank, blank]), ["a", "b"], ["one", "two"]) == []
