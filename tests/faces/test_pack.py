"""Packs and their index."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from maskfold.faces.pack import IndexRow, Pack, index_table


def test_rows_in_any_order_and_zeros_elsewhere(tmp_path: Path) -> None:
    pack = Pack.create(tmp_path / "faces.npy", 4, (6, 5))
    images = np.random.default_rng(0).integers(1, 256, (4, 6, 5, 3), dtype=np.uint8)
    for row in (3, 0, 2):
        pack.write(row, images[row])
    read = np.load(pack.path, mmap_mode="r")
    assert read.shape == (4, 6, 5, 3)
    assert read.dtype == np.uint8
    assert np.array_equal(read[[0, 2, 3]], images[[0, 2, 3]])
    assert not read[1].any()


@pytest.mark.parametrize(
    ("row", "image"),
    [
        (4, np.zeros((6, 5, 3), np.uint8)),
        (-1, np.zeros((6, 5, 3), np.uint8)),
        (0, np.zeros((5, 6, 3), np.uint8)),
        (0, np.zeros((6, 5, 3), np.float32)),
    ],
)
def test_wrong_shapes_and_rows_are_rejected(tmp_path: Path, row: int, image: np.ndarray) -> None:
    pack = Pack.create(tmp_path / "faces.npy", 4, (6, 5))
    with pytest.raises(ValueError, match="does not fit"):
        pack.write(row, image)
    assert not np.load(pack.path).any()


def test_index() -> None:
    manifest = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "part": ["train", "eval"]})
    table = index_table(manifest, [IndexRow("detected", 0.95, (1, 2, 3, 4), (0, 1, 4, 5)), IndexRow("unreadable")])
    assert table["image"].tolist() == ["a.jpg", "b.jpg"]
    assert table["row"].tolist() == [0, 1]
    assert table["status"].tolist() == ["detected", "unreadable"]
    assert table["probability"].isna().tolist() == [False, True]
    assert table.loc[0, "box_left":"box_bottom"].tolist() == [1, 2, 3, 4]
    assert table.loc[0, "crop_left":"crop_bottom"].tolist() == [0, 1, 4, 5]
    kinds = table.dtypes.astype(str).to_dict()
    assert kinds["row"] == "int32"
    assert {kinds[name] for name in kinds if name.startswith(("box", "crop", "prob"))} == {"float32"}
