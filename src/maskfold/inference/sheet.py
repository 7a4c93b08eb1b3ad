"""Contact sheet of the surest and the least sure answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from maskfold.dataset.images import decode_new
from maskfold.errors import MaskfoldError
from maskfold.faces.geometry import cut
from maskfold.inference.tally import Example
from maskfold.parts import Parts
from maskfold.photographs import source_of
from maskfold.theme import LIGHT
from maskfold.wording import printable

_ACROSS: Final = 6
_TILE: Final = (144, 112)
"""Height and width in pixels."""
_CAPTION, _GAP, _HEADING = 40, 10, 26
_LETTERS: Final = 20
_AROUND: Final = 0.35
"""Margin around a face, as a share of its size."""


def draw_sheet(path: Path, parts: Parts, root: str, surest: Sequence[Example], least: Sequence[Example]) -> bool:
    """Draw faces with their answers; a photograph that is gone by now is left blank.

    Args:
        path: PNG file to write.
        parts: Know where the photographs are.
        root: What their places are relative to.
        surest: The surest answers.
        least: The least sure ones.

    Returns:
        Whether there was anything to draw.
    """
    groups = [(title, shown) for title, shown in (("surest", surest), ("least sure", least)) if shown]
    if not groups:
        return False
    across = min(_ACROSS, max(len(shown) for _, shown in groups))
    row = _TILE[0] + _CAPTION + _GAP
    heights = [_HEADING + -(-len(shown) // across) * row for _, shown in groups]
    sheet = Pillow.new("RGB", (across * (_TILE[1] + _GAP) + _GAP, sum(heights) + _GAP), LIGHT.paper)
    draw, top = ImageDraw.Draw(sheet), _GAP
    for (title, shown), height in zip(groups, heights, strict=True):
        draw.text((_GAP, top), title, fill=LIGHT.ink, font_size=16)
        for place, example in enumerate(shown):
            x = _GAP + place % across * (_TILE[1] + _GAP)
            y = top + _HEADING + place // across * row
            sheet.paste(_tile(parts, root, example), (x, y))
            lines = (example.name[-_LETTERS:], f"{example.said}"[: _LETTERS + 2], f"{example.confidence:.3f}")
            for number, line in enumerate(lines):
                draw.text((x, y + _TILE[0] + 12 * number), printable(line), fill=LIGHT.ink, font_size=10)
        top += height
    sheet.save(path)
    return True


def _tile(parts: Parts, root: str, example: Example) -> Pillow.Image:
    height, width = _TILE
    try:
        photograph = parts.photographs(example.part)[example.photograph]
        found = decode_new(source_of(root, photograph))
    except MaskfoldError:
        return Pillow.new("RGB", (width, height), LIGHT.grid)
    across, down = found.pixels.shape[1] / found.width, found.pixels.shape[0] / found.height
    left, top, right, bottom = np.array(example.box) * [across, down, across, down]
    x, y = _AROUND * (right - left), _AROUND * (bottom - top)
    return Pillow.fromarray(cut(found.pixels, (left - x, top - y, right + x, bottom + y), _TILE, keep_aspect=True))
