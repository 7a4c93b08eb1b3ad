"""How fast photographs are cropped, from samples."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskfold.faces import sampling
from maskfold.recipe import Crop


def photographs(folder: Path, count: int) -> pd.DataFrame:
    """Write noise in which no face is, and return its manifest."""
    random, rows = np.random.default_rng(0), []
    for number in range(count):
        name = f"{number:03}.png"
        Image.fromarray(random.integers(0, 255, (60, 48, 3), dtype=np.uint8)).save(folder / name)
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        rows.append({"image": name, "part": "train", "sha256": digest, "readable": True, "width": 48, "height": 60})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("count", [3, 12])
def test_a_sample_says_how_fast_all_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(sampling, "SMALL", 2)
    monkeypatch.setattr(sampling, "LARGE", 8)
    root, scratch = tmp_path / "data", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    found = sampling.sample_faces(photographs(root, count), root, Crop(), scratch, 1)
    assert found.count == min(count, 8)
    assert found.images_per_second > 0
    assert found.start >= 0
    assert 0 < found.face_height <= 60
