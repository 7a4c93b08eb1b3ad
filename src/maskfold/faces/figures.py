"""Figures to check the crops: contact sheets, and histograms of box size and score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageColor, ImageDraw

from maskfold.theme import LIGHT, canvas

TILES: Final = 48
"""Largest number of photographs on a sheet; of more, a random sample is shown."""
_ACROSS = 8
_TILE = (128, 96)
"""Height and width in pixels of each photograph and of its crop beside it."""
_CAPTION = 14
_GAP = 8
_LETTERS = 32
_COLOURS = dict(zip(("train", "eval", "external"), LIGHT.series, strict=False))
_BOX = LIGHT.series[1]
"""Contrasts with skin."""


def draw_figures(faces: Path, portraits: Path, index: pd.DataFrame, manifest: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw the figures of a crop job as PNG files.

    Args:
        faces: The pack of crops.
        portraits: The pack of whole photographs.
        index: See :func:`maskfold.faces.pack.index_table`, with the column outlier.
        manifest: In the same order; width and height are used.
        folder: Where the files are written.

    Returns:
        Contact sheets of fallbacks and outliers, if there are any, and of a random sample; the histograms.
    """
    readable = (index["status"] != "unreadable").to_numpy()
    groups = {
        "fallbacks": (index["status"] == "fallback").to_numpy(),
        "outliers": index["outlier"].to_numpy(),
        "sample": readable,
    }
    written = []
    for name, chosen in groups.items():
        rows = np.flatnonzero(chosen)
        if len(rows):
            written.append(folder / f"{name}.png")
            _sheet(faces, portraits, index, manifest, _sample(rows)).save(written[-1])
    if readable.any():
        written.append(folder / "boxes.png")
        _histograms(index[readable], manifest[readable], written[-1])
    return written


def tiles_of(sheet: Pillow.Image) -> list[tuple[int, int, int, int]]:
    """Return where the tiles of a contact sheet are, each with its caption, as left, top, right, bottom in pixels."""
    wide, high = 2 * _TILE[1], _TILE[0] + _CAPTION
    corners = (
        (left, top)
        for top in range(_GAP, sheet.height - high + 1, high + _GAP)
        for left in range(_GAP, sheet.width - wide + 1, wide + _GAP)
    )
    boxes = [(left, top, left + wide, top + high) for left, top in corners]
    shown, paper = sheet.convert("RGB"), tuple((value, value) for value in ImageColor.getrgb(LIGHT.paper))
    return [box for box in boxes if shown.crop(box).getextrema() != paper]  # the last row may end early


def _sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(rows) <= TILES:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, TILES, replace=False))


def _sheet(
    faces: Path, portraits: Path, index: pd.DataFrame, manifest: pd.DataFrame, rows: NDArray[np.int64]
) -> Pillow.Image:
    """Lay out photographs with their boxes, each with its crop beside it and a caption below."""
    height, width = _TILE[0] + _CAPTION + _GAP, 2 * _TILE[1] + _GAP
    down = -(-len(rows) // _ACROSS)
    sheet = Pillow.new("RGB", (min(len(rows), _ACROSS) * width + _GAP, down * height + _GAP), LIGHT.paper)
    draw = ImageDraw.Draw(sheet)
    for place, (row, photograph, face) in enumerate(_tiles(faces, portraits, rows)):
        x, y = place % _ACROSS * width + _GAP, place // _ACROSS * height + _GAP
        line, size = index.iloc[row], manifest.iloc[row]
        scale = np.array([_TILE[1] / size["width"], _TILE[0] / size["height"]] * 2)
        box = line[["box_left", "box_top", "box_right", "box_bottom"]].to_numpy(np.float64) * scale
        ImageDraw.Draw(photograph).rectangle(box.round().tolist(), outline=_BOX, width=2)
        sheet.paste(photograph, (x, y))
        sheet.paste(face, (x + _TILE[1], y))
        probability = "" if np.isnan(line["probability"]) else f" {line['probability']:.2f}"
        draw.text((x, y + _TILE[0]), f"{line['image'][-_LETTERS + 6 :]}{probability}", fill=LIGHT.ink, font_size=10)
    return sheet


def _tiles(faces: Path, portraits: Path, rows: NDArray[np.int64]) -> Iterator[tuple[int, Pillow.Image, Pillow.Image]]:
    packs = [np.load(path, mmap_mode="r") for path in (portraits, faces)]
    for row in rows.tolist():
        photograph, face = (
            Pillow.fromarray(np.array(pack[row])).resize(_TILE[::-1], Pillow.Resampling.BICUBIC) for pack in packs
        )
        yield row, photograph, face


def _histograms(index: pd.DataFrame, manifest: pd.DataFrame, path: Path) -> None:
    """Draw box height, as a share of the photograph's height, and probability, by part."""
    found = index["status"].isin(["detected", "retried"]).to_numpy()
    share = ((index["box_bottom"] - index["box_top"]) / manifest["height"].to_numpy()).to_numpy()
    with canvas(path, LIGHT, width=3.6, height=5.4) as figure:  # legible on a telephone, too
        size, score = figure.subplots(2, 1)
        for part, colour in _COLOURS.items():
            chosen = found & (index["part"] == part).to_numpy()
            if chosen.any():
                weights = np.full(int(chosen.sum()), 1 / chosen.sum())
                look = {"histtype": "step", "color": colour, "weights": weights}
                size.hist(share[chosen], bins=np.linspace(0, 1, 51), label=f"{part} ({chosen.sum()})", **look)
                score.hist(index["probability"].to_numpy()[chosen], bins=np.linspace(0.5, 1, 51), **look)
        size.set(title="height of the face box", xlabel="share of the photograph's height", ylabel="share of the faces")
        score.set(title="probability of the face", xlabel="probability", yscale="log")
        if found.any():
            size.legend()
