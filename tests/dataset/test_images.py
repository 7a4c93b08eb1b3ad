"""Every kind of file that a folder of photographs may contain."""

import hashlib
import io
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from maskfold.dataset.images import MAX_PIXELS, decode, probe
from maskfold.errors import DatasetError

SIZE = (40, 56)  # width, height


def gradient() -> Image.Image:
    """Red grows to the right, green downwards."""
    x, y = np.meshgrid(np.linspace(0, 255, SIZE[0]), np.linspace(0, 255, SIZE[1]))
    return Image.fromarray(np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format=kind, **options)
    return stream.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that claims to be 20,000 x 20,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


JPEG = saved(gradient(), "JPEG", quality=90)
PNG = saved(gradient(), "PNG")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", JPEG),
        ("a.JPEG", saved(gradient(), "JPEG", progressive=True)),
        ("a.PnG", PNG),
        ("a.webp", saved(gradient(), "WEBP", lossless=True)),
        ("a.bmp", saved(gradient(), "BMP")),
        ("a.tif", saved(gradient(), "TIFF")),
        ("png-named-jpg.jpg", PNG),
        ("rgba.png", saved(gradient().convert("RGBA"), "PNG")),
        ("palette.png", saved(gradient().quantize(256), "PNG")),
        ("cmyk.jpg", saved(gradient().convert("CMYK"), "JPEG")),
    ],
)
def test_any_kind_becomes_rgb(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    pixels = decode(path)
    assert pixels.dtype == np.uint8
    assert pixels.flags["C_CONTIGUOUS"]
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert np.abs(pixels.astype(int) - np.asarray(gradient()).astype(int)).mean() < 12
    found = probe(path)
    assert (found.problem, found.width, found.height) == (None, *SIZE)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_greyscale_repeats_in_all_channels(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "grey"
    path.write_bytes(saved(gradient().convert("L"), kind))
    pixels = decode(path)
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert np.abs(pixels[..., 0].astype(int) - np.asarray(gradient().convert("L"))).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path, kind: str) -> None:
    samples = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    path = tmp_path / "deep"
    path.write_bytes(saved(Image.fromarray(samples), kind))
    assert (decode(path)[..., 0] == np.round(samples / 257)).all()


def test_bilevel_image_is_black_and_white(tmp_path: Path) -> None:
    path = tmp_path / "fax.png"
    path.write_bytes(saved(gradient().convert("1"), "PNG"))
    assert set(np.unique(decode(path))) == {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 16))
    path = tmp_path / "clear.png"
    path.write_bytes(saved(image.convert(mode), "PNG"))
    pixels = decode(path)
    assert (pixels[:16] == 255).all()
    assert (pixels[16:] == 0).all()


def test_palette_with_transparency_bytes(tmp_path: Path) -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 32, 16))
    path = tmp_path / "sprite.png"
    path.write_bytes(saved(image, "PNG", transparency=bytes([0, 255])))
    pixels = decode(path)
    assert (pixels[:16] == 255).all()
    assert (pixels[16:] == (0, 0, 255)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(tmp_path: Path, kind: str, orientation: int) -> None:
    """All eight EXIF orientations of a camera decode to the same image."""
    as_stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    upright = np.asarray(gradient())
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(as_stored[orientation](upright)))
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "turned"
    path.write_bytes(saved(stored, kind, exif=exif, **options))
    pixels = decode(path)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).max() < (16 if kind == "JPEG" else 1)
    assert (probe(path).width, probe(path).height) == SIZE


def test_damaged_exif_counts_as_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    damaged = exif.tobytes()[:-9]
    path = tmp_path / "a.jpg"
    path.write_bytes(saved(gradient(), "JPEG", exif=damaged))
    assert decode(path).shape == (SIZE[1], SIZE[0], 3)
    assert probe(path).problem is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        (JPEG[:-60], "truncated"),
        (PNG[: len(PNG) // 2], "truncated"),
        (JPEG[:200], "damaged header"),
        (bomb(), "more than 80,000,000"),
        (saved(Image.new("1", (9_000, 9_000)), "PNG"), "more than 80,000,000"),
        (saved(Image.new("RGB", (400, 8)), "PNG"), "at least 16"),
        (saved(Image.fromarray(np.zeros((32, 32), np.float32)), "TIFF"), "pixels of kind F"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n", "not an image"),
        (saved(gradient(), "GIF"), "not an image"),
    ],
)
def test_unusable_content_is_rejected_with_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "mask1.jpg"
    path.write_bytes(content)
    found = probe(path)
    assert found.problem
    assert reason in found.problem
    assert (found.width, found.height) == (0, 0)
    with pytest.raises(DatasetError, match=r"mask1\.jpg: "):
        decode(path)


def test_a_bomb_is_rejected_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    side = int(MAX_PIXELS**0.5) + 1
    path.write_bytes(saved(Image.new("1", (side, side)), "PNG"))
    assert "are rejected" in (probe(path).problem or "")
    assert path.stat().st_size < 100_000


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert probe(tmp_path / "nothing.jpg").problem == "the file is missing"
    assert probe(tmp_path / "nothing.jpg").sha256 == ""
    assert probe(tmp_path).problem == "not a file"
    assert probe(tmp_path / "pipe.jpg").problem == "not a file"


@pytest.mark.parametrize(
    ("least", "expected"),
    [(None, (401, 323)), (400, (401, 323)), (161, (201, 162)), (81, (201, 162)), (80, (101, 81)), (9, (51, 41))],
)
def test_a_jpeg_is_decoded_no_finer_than_asked(tmp_path: Path, least: int | None, expected: tuple[int, int]) -> None:
    path = tmp_path / "a.jpg"
    picture = gradient().resize((323, 401), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(path, quality=95, exif=exif)
    small = decode(path, least)
    assert small.shape == (*expected, 3)
    wanted = np.asarray(picture.resize(expected[::-1], Image.Resampling.BOX), dtype=int)
    assert np.abs(small.astype(int) - wanted).mean() < 2


def test_other_formats_are_decoded_whole(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    assert decode(tmp_path / "a.png", 5).shape == (SIZE[1], SIZE[0], 3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    original=st.sampled_from(
        [JPEG, PNG, saved(gradient(), "TIFF"), saved(gradient(), "WEBP"), saved(gradient(), "BMP")]
    ),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.05, 1),
)
def test_damage_never_escapes_and_probe_agrees_with_decode(
    tmp_path: Path, original: bytes, changes: list[tuple[float, int]], kept: float
) -> None:
    content = bytearray(original)
    for place, value in changes:
        content[int(place * len(content))] = value
    path = tmp_path / "damaged"
    path.write_bytes(content[: max(1, int(kept * len(content)))])
    found = probe(path)
    if found.problem is None:
        assert decode(path).shape == (found.height, found.width, 3)
    else:
        with pytest.raises(DatasetError, match=re.escape(found.problem)):
            decode(path)
