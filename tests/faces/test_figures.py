"""Contact sheets and histograms."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as Pillow

from maskfold.faces.figures import TILES, draw_figures, tiles_of


def drawn(folder: Path, statuses: list[str], outlier: int | None = None) -> dict[str, np.ndarray]:
    n = len(statuses)
    for name, colour in (("faces", 200), ("portraits", 90)):
        np.save(folder / f"{name}.npy", np.full((n, 32, 24, 3), colour, np.uint8))
    index = pd.DataFrame(
        {
            "image": [f"train/images/someone/{number}.jpg" for number in range(n)],
            "part": ["train" if number % 3 else "eval" for number in range(n)],
            "status": statuses,
            "probability": [np.nan if status in {"fallback", "unreadable"} else 0.97 for status in statuses],
            "box_left": 60.0,
            "box_top": 80.0,
            "box_right": 180.0,
            "box_bottom": 240.0,
            "outlier": [number == outlier for number in range(n)],
        }
    )
    manifest = pd.DataFrame({"width": [240] * n, "height": [320] * n})
    paths = draw_figures(folder / "faces.npy", folder / "portraits.npy", index, manifest, folder)
    return {path.stem: np.asarray(Pillow.open(path).convert("RGB")) for path in paths}


def test_each_group_has_its_sheet(tmp_path: Path) -> None:
    figures = drawn(tmp_path, ["detected", "fallback", "retried", "unreadable", "fallback"], outlier=2)
    assert list(figures) == ["fallbacks", "outliers", "sample", "boxes"]
    one, two = figures["outliers"], figures["fallbacks"]
    assert two.shape[1] > one.shape[1]  # two photographs, one photograph
    tile = one[8:136, 8:104]
    assert (tile[0, 0] == 90).all()
    assert (tile[32, 50] == (0xD9, 0x73, 0x0D)).all()  # the box's upper edge, at a quarter of the height
    assert (one[60, 150] == 200).all()  # the crop beside it


def test_without_fallbacks_and_outliers(tmp_path: Path) -> None:
    assert list(drawn(tmp_path, ["detected"] * 3)) == ["sample", "boxes"]


def test_nothing_readable_nothing_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path, ["unreadable"] * 2) == {}


def test_fallbacks_alone_have_a_histogram(tmp_path: Path) -> None:
    assert "boxes" in drawn(tmp_path, ["fallback"] * 2)


def test_a_sheet_does_not_grow_without_end(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    few, many = drawn(tmp_path / "few", ["detected"] * TILES), drawn(tmp_path, ["detected"] * (3 * TILES))
    assert few["sample"].shape == many["sample"].shape


def test_the_tiles_of_a_sheet_are_found_again(tmp_path: Path) -> None:
    """Ten photographs: a full row, and two in the next."""
    drawn(tmp_path, ["detected"] * 10)
    with Pillow.open(tmp_path / "sample.png") as sheet:
        tiles = tiles_of(sheet)
        assert len(tiles) == 10
        first, last = np.asarray(sheet.crop(tiles[0])), np.asarray(sheet.crop(tiles[-1]))
    assert first.shape == (142, 192, 3)
    assert (first[0, 0] == 90).all()
    assert (first[60, 142] == 200).all()
    assert (first[:, :96] == last[:, :96]).all(axis=-1)[:128].all()
