"""Margins, clamping and cutting."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from maskfold.faces.geometry import crop_box, cut
from maskfold.recipe import Crop, Margins

NONE = Margins(left=0, top=0, right=0, bottom=0)


def with_margins(
    box: tuple[float, float, float, float], margins: Margins, height: int, width: int
) -> tuple[float, float, float, float]:
    return crop_box(box, Crop(margins=margins), height, width)


def test_pixels_of_the_source() -> None:
    margins = Margins(left=30, top=60, right=30, bottom=30, unit="pixel")
    assert with_margins((100, 150, 200, 300), margins, height=512, width=384) == (70, 90, 230, 330)


def test_shares_of_the_box() -> None:
    margins = Margins(left=0.1, top=0.5, right=0.2, bottom=0.25, unit="box")
    assert with_margins((100, 150, 200, 350), margins, height=512, width=384) == (90, 50, 220, 400)


def test_clamped_to_the_photograph() -> None:
    margins = Margins(left=500, top=500, right=500, bottom=500, unit="pixel")
    assert with_margins((100, 150, 200, 300), margins, height=512, width=384) == (0, 0, 384, 512)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-50, -50, -10, -10), (0, 0, 1, 1)),
        ((400, 600, 500, 700), (383, 511, 384, 512)),
        ((10.25, 20.5, 10.5, 20.75), (9.875, 20.125, 10.875, 21.125)),
    ],
)
def test_never_empty(box: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert with_margins(box, NONE, height=512, width=384) == expected  # type: ignore[arg-type]


def margins_of(unit: Literal["pixel", "box"], widest: float) -> st.SearchStrategy[Margins]:
    sides = st.floats(0, widest)
    return st.builds(Margins, left=sides, top=sides, right=sides, bottom=sides, unit=st.just(unit))


any_margins = margins_of("pixel", 300) | margins_of("box", 10)


@given(
    box=st.tuples(*[st.floats(-100, 400)] * 4),
    margins=any_margins,
    height=st.integers(1, 400),
    width=st.integers(1, 400),
)
def test_always_inside_and_cuttable(
    box: tuple[float, float, float, float], margins: Margins, height: int, width: int
) -> None:
    left, top, right, bottom = with_margins(box, margins, height, width)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert right - left >= 1 - 1e-9
    assert bottom - top >= 1 - 1e-9


def test_cuts_the_right_pixels_in_the_right_order_of_colours() -> None:
    image = np.zeros((100, 80, 3), np.uint8)
    image[20:60, 30:50] = (250, 120, 10)
    face = cut(image, (30, 20, 50, 60), (16, 8))
    assert face.shape == (16, 8, 3)
    assert face.dtype == np.uint8
    inner = face[3:-3, 2:-2].astype(int)  # the filter reaches a little beyond the box
    assert np.abs(inner - (250, 120, 10)).max() <= 3
    half = cut(image, (30, 20, 70, 60), (16, 16))[3:-3].astype(int)
    assert np.abs(half[:, 2:5] - (250, 120, 10)).max() <= 3
    assert half[:, -5:].max() <= 3


def test_fine_patterns_do_not_alias() -> None:
    image = np.zeros((512, 384, 3), np.uint8)
    image[::2] = 255
    small = cut(image, (0.0, 0.0, 384.0, 512.0), (128, 96))
    assert abs(small[2:-2].astype(int) - 127).max() <= 3


@given(st.tuples(*[st.integers(1, 90)] * 4), st.integers(0, 2**32))
def test_a_whole_picture_is_shrunk_as_pillow_does(sides: tuple[int, int, int, int], seed: int) -> None:
    (rows, height), (columns, width) = sorted(sides[:2]), sorted(sides[2:])
    # Medium brightness: overshoots are clipped between the row and column passes, and their order differs.
    image = np.random.default_rng(seed).integers(85, 171, (height, width, 3), dtype=np.uint8)
    image.flags.writeable = seed % 2 == 0
    expected = Pillow.fromarray(image).resize((columns, rows), Pillow.Resampling.BICUBIC)
    found = cut(image, (0.0, 0.0, width, height), (rows, columns))
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 2  # both round twice


def test_a_pixel_can_be_enlarged() -> None:
    image = np.full((1, 1, 3), 77, np.uint8)
    assert (cut(image, (0, 0, 1, 1), (32, 24)) == 77).all()


def test_enlarged_about_its_centre() -> None:
    crop = Crop(face_size=(80, 40), margins=NONE, aspect="enlarge")
    assert crop_box((100, 100, 140, 140), crop, 512, 384) == (100, 80, 140, 160)
    assert crop_box((100, 100, 120, 200), crop, 512, 384) == (85, 100, 135, 200)


def test_enlarged_at_the_border_moves_inside_or_reaches_beyond() -> None:
    crop = Crop(face_size=(80, 40), margins=NONE, aspect="enlarge")
    assert crop_box((0, 10, 40, 50), crop, 512, 384) == (0, 0, 40, 80)
    assert crop_box((350, 500, 390, 520), crop, 512, 384) == (344, 432, 384, 512)
    assert crop_box((0, 0, 40, 40), crop, 60, 384) == (0, 0, 40, 60)  # no room: clamped, and black above and below
    beyond = crop.model_copy(update={"border": "pad"})
    assert crop_box((0, 10, 40, 50), beyond, 512, 384) == (0, -10, 40, 70)


def test_padding_reaches_at_most_a_photograph_beyond() -> None:
    huge = Margins(left=9000, top=0, right=9000, bottom=9000, unit="pixel")
    assert crop_box((10, 20, 30, 40), Crop(margins=huge, border="pad"), 100, 50) == (-50, 20, 100, 200)


def test_beyond_the_border_is_black_and_the_rest_is_in_place() -> None:
    image = np.full((100, 80, 3), 200, np.uint8)
    face = cut(image, (-40, -50, 40, 50), (50, 40))
    assert (face[:22] == 0).all()  # the filter reaches two pixels over the border
    assert (face[:, :17] == 0).all()
    assert (face[28:, 23:] == 200).all()
    large = np.full((1000, 800, 3), 200, np.uint8)
    assert np.abs(cut(large, (-400, -500, 400, 500), (50, 40)).astype(int) - face).max() <= 30


def test_a_kept_aspect_leaves_a_black_ground() -> None:
    image = np.full((100, 80, 3), 200, np.uint8)
    face = cut(image, (10, 10, 50, 30), (60, 40), keep_aspect=True)
    assert (face[:20] == 0).all()
    assert (face[40:] == 0).all()
    assert (face[20:40] == 200).all()


@settings(max_examples=50)
@given(
    box=st.tuples(*[st.floats(-100, 400)] * 4),
    margins=any_margins,
    aspect=st.sampled_from(["stretch", "enlarge", "pad"]),
    border=st.sampled_from(["clamp", "pad"]),
    height=st.integers(1, 200),
    width=st.integers(1, 200),
)
def test_every_setting_gives_a_crop_of_the_right_size(
    box: tuple[float, float, float, float], margins: Margins, aspect: str, border: str, height: int, width: int
) -> None:
    left, right = sorted((box[0], box[2]))
    top, bottom = sorted((box[1], box[3]))
    crop = Crop(face_size=(24, 16), margins=margins, aspect=aspect, border=border)
    found = crop_box((left, top, right, bottom), crop, height, width)
    face = cut(np.full((height, width, 3), 99, np.uint8), found, (24, 16), keep_aspect=aspect != "stretch")
    assert face.shape == (24, 16, 3)
    assert face.max() <= 99 * 1.2  # a bicubic filter overshoots at the edge to black
    if border == "clamp" and aspect == "stretch":
        assert face.min() == 99
