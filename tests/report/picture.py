"""Takes the picture of a report that README shows: ``python -m tests.report.picture REPORT.html docs/report.png``.

``make demo`` prints where its report is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.report import browser

WIDTH, HEIGHT = 1000, 1500
_COLOURS = 64
"""Of the stored picture, which a reader loads with README."""


def take(report: Path, picture: Path) -> None:
    """Save the top of a report as a person sees it first, as a small PNG."""
    with tempfile.TemporaryDirectory() as folder, browser.browser(Path(folder)) as tab:
        tab.ask("Emulation.setScrollbarsHidden", hidden=True)
        tab.show(WIDTH, HEIGHT, "light")
        tab.open(report.resolve().as_uri())
        tab.wait(lambda: tab.value("[...document.images].every(one => one.complete)"), "pictures do not load")
        shot = Path(folder) / "shot.png"
        tab.picture(shot, HEIGHT)
        with Image.open(shot) as taken:
            few = taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


if __name__ == "__main__":
    take(*map(Path, sys.argv[1:3]))
