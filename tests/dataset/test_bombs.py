"""Small files that cost a decoder much time or memory."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from maskfold.dataset.images import MAX_SCANS, decode, probe
from maskfold.dataset.scans import count_scans
from maskfold.errors import DatasetError
from maskfold.rows import parse_rows


def jpeg(progressive: bool, size: tuple[int, int] = (64, 48), **more: object) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG", progressive=progressive, **more)
    return stream.getvalue()


def with_scans(content: bytes, copies: int) -> bytes:
    """Repeat the last scan of a progressive JPEG, before its end marker."""
    start = content.rindex(b"\xff\xda")
    return content[:-2] + content[start:-2] * copies + content[-2:]


def test_scans_are_counted() -> None:
    assert count_scans(jpeg(False)) == 1
    usual = count_scans(jpeg(True))
    assert 6 <= usual <= 12
    assert count_scans(with_scans(jpeg(True), 300)) == usual + 300


def test_what_comes_after_the_end_or_in_a_thumbnail_does_not_count() -> None:
    content = jpeg(True)
    usual = count_scans(content)
    assert count_scans(content + b"\xff\xda\0\4" * 1000) == usual
    thumbnail = with_scans(content, 100)[:65_000]
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    assert count_scans(content[:2] + segment + content[2:]) == usual


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\0", b"no JPEG"])
def test_counting_ends_on_damaged_files(content: bytes) -> None:
    assert count_scans(content) <= 1


@pytest.mark.parametrize("scans", [300, 2000])
def test_a_jpeg_of_many_scans_is_left_out_with_a_reason(tmp_path: Path, scans: int) -> None:
    path = tmp_path / "bomb.jpg"
    path.write_bytes(with_scans(jpeg(True), scans))
    assert str(probe(path).problem).endswith("decoding would take too long")
    with pytest.raises(DatasetError, match="scans of 64 x 48 pixels"):
        decode(path)


def test_few_scans_of_too_many_pixels_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jpg"
    stream = io.BytesIO()
    Image.new("RGB", (9000, 8000)).save(stream, "JPEG", progressive=True)
    path.write_bytes(with_scans(stream.getvalue(), MAX_SCANS // 2))
    assert "too long" in str(probe(path).problem)


def test_an_ordinary_progressive_photograph_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(True))
    assert probe(path).problem is None


@pytest.mark.parametrize(
    ("n_rows", "text", "reason"),
    [
        (30_000_000, "x", "30,000,000 cells, but at most 20,000,000"),
        (3_000, "x" * 1_000_000, "3,000,000,000 bytes of text, but at most"),
    ],
)
def test_a_small_table_of_many_or_long_equal_cells_is_refused(n_rows: int, text: str, reason: str) -> None:
    stream = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n_rows, np.int32)), pa.array([text]))
    parquet.write_table(pa.table({"path": column}), stream, compression="zstd")
    assert len(stream.getvalue()) < 200_000
    with pytest.raises(DatasetError, match=reason):
        parse_rows(stream.getvalue(), "t.parquet", ("path",))


def test_columns_of_lists_are_not_read() -> None:
    stream = io.BytesIO()
    parquet.write_table(pa.table({"path": ["a", "b"], "embedding": [[1.0], [2.0]]}), stream)
    rows = parse_rows(stream.getvalue(), "t.parquet", ("path",))
    assert [row.cells for row in rows] == [{"path": "a"}, {"path": "b"}]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["I;16", "RGBA"])
def test_wide_samples_and_transparency_need_little_memory(tmp_path: Path, mode: str) -> None:
    """In a process of its own, whose greatest memory is read at its end: at most eleven bytes a pixel."""
    path = tmp_path / "large.png"
    Image.new(mode, (8000, 6000)).save(path)
    code = (
        "import resource, sys; from pathlib import Path; from maskfold.dataset.images import decode\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "decode(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 11 * 8000 * 6000
