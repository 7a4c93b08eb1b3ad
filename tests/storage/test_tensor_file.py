from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from maskfold.errors import WeightsError
from maskfold.storage import check_tensor_file


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    tensors = {
        "a": torch.zeros(2, 3),
        "b": torch.zeros(5, dtype=torch.bfloat16),
        "n": torch.zeros((), dtype=torch.int64),
    }
    save_file(tensors, path, metadata={"from": "a test"})
    return path


def test_what_safetensors_writes_is_accepted(good: Path) -> None:
    check_tensor_file(good, "w")


def forged(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(begin: int, end: int, shape: list[int], dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"root:x:0:0:root:/root:/bin/bash\n",
        b"\xff" * 64,
        forged([1, 2]),
        forged({}),
        forged({"__metadata__": {}}),
        forged({"a": 5}),
        forged({"a": entry(0, 2, [3])}, b"12"),
        forged({"a": entry(0, 3, [3], "SECRET")}, b"123"),
        forged({"a": entry(0, 3, [3])}, b"12"),
        forged({"a": entry(0, 3, [3])}, b"123 and a private key"),
        forged({"a": entry(0, 2, [2]), "b": entry(1, 3, [2])}, b"123"),
        forged({"a": entry(0, 4, [-2, -2])}, b"1234"),
        forged({"a": entry(0, 10**30, [10**30])}),
        b"\x10\x27\0\0\0\0\0\0" + b"[" * 10_000,
    ],
)
def test_anything_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        check_tensor_file(path, "w")


def test_a_truncated_file_is_refused(good: Path) -> None:
    good.write_bytes(good.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="bytes of tensors where its header describes"):
        check_tensor_file(good, "w")
