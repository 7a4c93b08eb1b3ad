"""Files as telephones, downloads and interrupted copies leave them."""

import io
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from maskfold.content import kind_of
from maskfold.dataset import images
from maskfold.dataset.images import decode, probe
from maskfold.dataset.manifest import eval_rows, train_rows
from maskfold.dataset.plugins import plugin_formats
from maskfold.errors import DatasetError
from tests.dataset.builder import DataSet, survey


def picture(width: int = 96, height: int = 128) -> Image.Image:
    """A picture without grey rows, that compresses badly."""
    noise = np.random.default_rng(0).integers(0, 120, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, kind, **options)
    return buffer.getvalue()


JPEG = saved("JPEG")
CUT = {
    "its end": JPEG[:-2],
    "a tenth": JPEG[: len(JPEG) * 9 // 10],
    "a third": JPEG[: len(JPEG) * 2 // 3],
    "a tenth of a progressive one": saved("JPEG", progressive=True)[:-2000],
}


@pytest.mark.parametrize("content", CUT.values(), ids=CUT)
def test_a_jpeg_that_lacks_its_end_is_used_when_asked_for(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert "truncated" in (probe(path).problem or "")
    found = probe(path, cut_off=True)
    assert (found.problem, found.width, found.height) == (None, 96, 128)
    assert "what decodes is used" in (found.note or "")
    pixels = decode(path, cut_off=True)
    assert pixels.shape == (128, 96, 3)
    assert abs(pixels[:60].mean() - 60) < 12
    with pytest.raises(DatasetError, match="truncated"):
        decode(path)


@pytest.mark.parametrize("content", [JPEG[: len(JPEG) // 4], JPEG[:700], JPEG[:100], saved("PNG")[:-3000]])
def test_too_little_is_as_good_as_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert probe(path, cut_off=True) == probe(path)
    assert probe(path).problem
    with pytest.raises(DatasetError):
        decode(path, cut_off=True)


def test_a_whole_file_is_the_same_either_way(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    assert probe(path, cut_off=True) == probe(path)
    assert (decode(path, cut_off=True) == decode(path)).all()


def test_only_evaluation_images_may_lack_their_end(data: DataSet) -> None:
    person = data.person("000100_female_Asian_40")
    for path in (person / "mask1.jpg", data.eval_images / data.image_ids[1]):
        path.write_bytes(CUT["its end"])
    found = survey(data.write())
    assert found.n_train == 13 * 7 - 1
    assert eval_rows(found.manifest)["readable"].all()
    assert {(entry.part, entry.kind) for entry in found.entries} == {("train", "unreadable"), ("eval", "cut-off")}


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_photographs_of_telephones_are_read(data: DataSet, kind: str) -> None:
    pillow_heif.register_heif_opener()
    folder = data.person("000100_female_Asian_40")
    (folder / "mask1.jpg").unlink()
    (folder / f"mask1.{'heic' if kind == 'HEIF' else 'avif'}").write_bytes(saved(kind))
    (data.eval_images / data.image_ids[0]).write_bytes(saved(kind, quality=30))
    found = survey(data.write())
    assert found.entries == ()
    assert len(train_rows(found.manifest)) == 13 * 7
    assert (96, 128) in set(found.manifest[["width", "height"]].itertuples(index=False, name=None))


def test_without_the_plugin_the_reason_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(images, "FORMATS", ("JPEG", *plugin_formats()))
    assert "HEIF" not in images.FORMATS
    (tmp_path / "a.jpg").write_bytes(saved("HEIF"))
    problem = probe(tmp_path / "a.jpg").problem or ""
    assert problem.startswith("a HEIC image; to read it, install the extra maskfold[heif]")


REAL = {
    "a page": (b"<!DOCTYPE html>\n<html><title>404</title>", "a web page (HTML or XML)"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
    "zeros": (bytes(5000), "only zero bytes"),
    "a GIF": (saved("GIF"), "a GIF image"),
    "a WebP without its end": (saved("WEBP")[:30], "a damaged WebP image"),
    "a film": (b"\0\0\0\x18ftypmp42" + bytes(50), "a film (MP4)"),
    "an archive": (b"PK\x03\x04" + bytes(50), "a zip archive"),
}


@pytest.mark.parametrize(("content", "kind"), REAL.values(), ids=REAL)
def test_the_real_format_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    problem = probe(tmp_path / "a.jpg").problem or ""
    assert kind in problem or "damaged" in problem
    assert kind in (kind_of(content) or "")


def test_other_contents_are_not_named() -> None:
    assert kind_of(b"hello") is None
    assert kind_of(b"path,gender\n") is None
