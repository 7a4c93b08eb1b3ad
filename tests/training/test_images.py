from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from maskfold.errors import CorruptDataError
from maskfold.training.images import Images, fits, open_pack


@pytest.fixture
def pixels() -> np.ndarray:
    smooth = np.random.default_rng(0).integers(0, 256, size=(300, 8, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(p).resize((30, 40), Image.Resampling.BICUBIC)) for p in smooth])


def test_batches_are_the_rows_in_the_memory_order_of_the_pack(pixels: np.ndarray):
    rows = np.array([5, 2, 5, 299])
    batch = Images(pixels, torch.device("cpu")).batch(rows)
    assert batch.dtype == torch.uint8
    assert batch.shape == (4, 3, 40, 30)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(batch.permute(0, 2, 3, 1).numpy(), pixels[rows])


def _devices() -> list[object]:
    missing = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
    return ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, missing])]


@pytest.mark.parametrize("device", _devices())
def test_a_pack_held_whole_gives_the_batches_of_a_mapped_one(tmp_path: Path, pixels: np.ndarray, device: str):
    np.save(tmp_path / "faces.npy", pixels)
    mapped = open_pack(tmp_path / "faces.npy", None, tmp_path)
    whole, streamed = (Images(mapped, torch.device(device), whole) for whole in (True, False))
    assert (whole.whole, streamed.whole) == (True, False)
    for rows in (np.array([5, 2, 5, 299]), np.arange(300)[::-1]):
        first, second = whole.batch(rows), streamed.batch(rows)
        assert first.device.type == device
        assert first.stride() == second.stride()
        assert torch.equal(first, second)
        assert np.array_equal(first.permute(0, 2, 3, 1).cpu().numpy(), pixels[rows])
    assert whole.statistics(np.arange(300)) == streamed.statistics(np.arange(300))


def test_a_cpu_leaves_the_pack_mapped(pixels: np.ndarray):
    assert not Images(pixels, torch.device("cpu")).whole


def test_a_gpu_holds_a_pack_that_leaves_the_network_two_thirds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3000, 8000))
    assert fits(1000, torch.device("cuda"))
    assert not fits(1001, torch.device("cuda"))


def test_a_pack_of_the_wanted_size_is_mapped_not_read(tmp_path: Path, pixels: np.ndarray):
    np.save(tmp_path / "faces.npy", pixels)
    for size in (None, (40, 30)):
        pack = open_pack(tmp_path / "faces.npy", size, tmp_path)
        assert isinstance(pack, np.memmap)
        assert np.array_equal(pack, pixels)


@pytest.mark.parametrize("size", [(20, 15), (13, 11), (64, 48)])
def test_resizing_equals_pillows_to_rounding(tmp_path: Path, pixels: np.ndarray, size: tuple[int, int]):
    np.save(tmp_path / "faces.npy", pixels)
    pack = open_pack(tmp_path / "faces.npy", size, tmp_path)
    assert pack.shape == (300, *size, 3)
    assert isinstance(pack, np.memmap)
    for row in (0, 255, 256, 299):
        expected = Image.fromarray(pixels[row]).resize(size[::-1], Image.Resampling.BILINEAR)
        assert np.abs(pack[row].astype(int) - np.asarray(expected).astype(int)).max() <= 1


@pytest.mark.parametrize("content", [np.zeros((4, 8, 6), np.uint8), np.zeros((4, 8, 6, 3), np.float32)])
def test_other_arrays_are_refused(tmp_path: Path, content: np.ndarray):
    np.save(tmp_path / "faces.npy", content)
    with pytest.raises(CorruptDataError, match="expected uint8 of shape"):
        open_pack(tmp_path / "faces.npy", None, tmp_path)


def test_a_file_that_is_no_array_is_refused(tmp_path: Path):
    (tmp_path / "faces.npy").write_bytes(b"no array")
    with pytest.raises(CorruptDataError, match="cannot be read as an npy array"):
        open_pack(tmp_path / "faces.npy", None, tmp_path)


def test_statistics_are_those_of_the_rows_pixels(pixels: np.ndarray):
    rows = np.array([7, 2, 250, 11])
    mean, std = Images(pixels, torch.device("cpu")).statistics(rows)
    values = pixels[rows].reshape(-1, 3) / 255
    assert mean == pytest.approx(values.mean(axis=0).tolist())
    assert std == pytest.approx(values.std(axis=0).tolist())


def test_statistics_of_many_rows_come_from_evenly_spaced_ones_in_any_order():
    pack = np.zeros((5000, 2, 2, 3), dtype=np.uint8)
    pack[::3] = 255  # every third row is taken of 5,000
    images = Images(pack, torch.device("cpu"))
    mean, std = images.statistics(np.random.default_rng(0).permutation(5000))
    assert mean == pytest.approx((1, 1, 1))
    assert std == pytest.approx((1e-3,) * 3)


@pytest.mark.parametrize("kind", ["zip", "negative", "flat", "huge", "object", "text", "empty"])
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, kind: str):
    path = tmp_path / "faces.npy"
    if kind == "zip":
        np.savez(tmp_path / "zip.npz", a=np.zeros(3))
        (tmp_path / "zip.npz").rename(path)
    elif kind in ("negative", "flat", "huge"):
        shape = {"negative": (-4, 2, 2, 3), "flat": (2, 0, 4, 3), "huge": (10**12, 64, 64, 3)}[kind]
        with path.open("wb") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            stream.write(bytes(48))
    elif kind == "object":
        np.save(path, np.array([{}, {}]), allow_pickle=True)
    else:
        path.write_bytes(b"no array" if kind == "text" else b"")
    with pytest.raises(CorruptDataError, match="pack"):
        open_pack(path, None, tmp_path)
