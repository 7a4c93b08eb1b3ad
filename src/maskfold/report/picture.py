"""Pictures of the page, as bytes within it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray
from PIL import Image

from maskfold.report.figure import NARROW, WIDTH, Figure, shrunk
from maskfold.theme import DARK, DPI, LIGHT, Palette

_QUALITY: Final = 85
"""Of photographs."""


@dataclass(frozen=True)
class Picture:
    """A figure drawn for light and dark screens, wide and narrow ones."""

    figure: Figure
    light: Path
    dark: Path
    narrow_light: Path
    narrow_dark: Path

    @property
    def width(self) -> int:
        """Pixels."""
        return round(WIDTH * DPI)

    @property
    def height(self) -> int:
        """Pixels."""
        return round(self.figure.height * DPI)

    @property
    def narrow_width(self) -> int:
        """Pixels."""
        return round(NARROW * DPI)

    @property
    def narrow_height(self) -> int:
        """Pixels."""
        return round(self.figure.narrow_height * DPI)


def draw(figures: Sequence[Figure], folder: Path, drawn: Callable[[int, int], None]) -> list[Picture]:
    """Draw all figures in both palettes and both widths.

    Args:
        figures: What to draw.
        folder: Takes ``light/<name>.png``, ``dark/<name>.png``, and both below ``narrow/``.
        drawn: Called with the figures drawn and the figures in all.
    """
    pictures = []
    for number, figure in enumerate(figures, start=1):
        wide = [_save(figure, folder, palette, narrow=False) for palette in (LIGHT, DARK)]
        narrow = [_save(figure, folder / "narrow", palette, narrow=True) for palette in (LIGHT, DARK)]
        pictures.append(Picture(figure, *wide, *narrow))
        drawn(number, len(figures))
    return pictures


def png(path: Path) -> str:
    """Return a drawing as a data URI."""
    return _uri("image/png", path.read_bytes())


def diagram(path: Path) -> tuple[str, int, int]:
    """Return a drawing of an earlier job as a data URI, stored with few colours, with its width and height."""
    with Image.open(path) as drawn:
        few = shrunk(drawn)
    stream = io.BytesIO()
    few.save(stream, "PNG", optimize=True)
    return _uri("image/png", stream.getvalue()), *few.size


def photographs(path: Path, widest: int) -> tuple[str, int, int]:
    """Return a sheet of photographs as a data URI, with its width and height.

    It becomes a JPEG, which needs a fraction of a PNG's bytes.

    Args:
        path: The sheet.
        widest: Pixels; wider ones are scaled down to it.
    """
    with Image.open(path) as sheet:
        shown = sheet.convert("RGB")
    shown.thumbnail((widest, shown.height), Image.Resampling.LANCZOS)
    return _jpeg(shown), *shown.size


def thumbnail(pixels: NDArray[Any], size: tuple[int, int]) -> str:
    """Return a photograph, (height, width, 3), as a data URI of at most that width and height."""
    small = Image.fromarray(pixels)
    small.thumbnail(size, Image.Resampling.LANCZOS)
    return _jpeg(small)


def _jpeg(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return _uri("image/jpeg", stream.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _save(figure: Figure, folder: Path, palette: Palette, *, narrow: bool) -> Path:
    place = folder / palette.name
    place.mkdir(parents=True, exist_ok=True)
    return figure.save(place, palette, narrow=narrow)
