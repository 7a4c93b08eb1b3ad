"""What earlier jobs left for the page: contact sheets of crops and of augmented images, and what was left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from PIL import Image

from maskfold.dataset import Entry, read_quarantine
from maskfold.faces.figures import tiles_of
from maskfold.report.picture import diagram, photographs
from maskfold.specs import CropOutcome, EnsembleSpec, File, TrainFoldOutcome

_PICTURES: Final = {
    "fallbacks": (
        "Photographs without a detected face",
        "Each photograph with the box that was predicted for it from the others, its crop beside it.",
    ),
    "outliers": (
        "Faces in another place than in the same person's other photographs",
        "Nothing was changed; check that the box is on the right face. The number is the detection's probability.",
    ),
    "sample": (
        "A random sample of the crops",
        "Each photograph with its box, its crop beside it. The number is the detection's probability.",
    ),
    "boxes": ("Boxes and probabilities", "Of all detected faces, training and evaluation apart."),
}
_DIAGRAM: Final = "boxes"
"""The one sheet without photographs."""
_SHRUNK: Final = 0.8
"""Of sheets with names below the photographs; smaller ones would be illegible."""
_PLAIN: Final = 512
_LISTED: Final = 50


@dataclass(frozen=True)
class Sheet:
    """A contact sheet or diagram of an earlier job."""

    name: str
    title: str
    caption: str
    source: str
    """Data URI."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    look: Literal["contact", "plain", "diagram"]
    """Photographs with names, which stay legible, photographs alone, or a drawing."""
    tiles: tuple[tuple[int, ...], ...] = ()
    """Left, top, right, bottom of each photograph of a contact sheet: the page lays them out anew."""


@dataclass(frozen=True)
class Appendix:
    """All sheets and lists of a run, in reading order."""

    crops: tuple[Sheet, ...] = ()
    samples: tuple[Sheet, ...] = ()
    """One for each network."""
    quarantine: tuple[Entry, ...] = ()
    """The first of what was left out of training or noted."""
    n_quarantine: int = 0
    """How many there are in all."""

    @classmethod
    def of(cls, spec: EnsembleSpec, fetch: Callable[[File], Path]) -> Appendix:
        """Fetch the files of a run.

        Args:
            spec: The ensemble job's spec, with the outcomes of the jobs before.
            fetch: Returns a local path of a file of the workspace.
        """
        quarantine = read_quarantine(fetch(spec.prepared.quarantine))
        return cls(
            tuple(_crops(spec.cropped, fetch)),
            tuple(_samples(spec.trained, fetch)),
            tuple(quarantine[:_LISTED]),
            len(quarantine),
        )


def _crops(cropped: CropOutcome, fetch: Callable[[File], Path]) -> list[Sheet]:
    files = {PurePosixPath(file.path).stem: file for file in cropped.figures}
    sheets = []
    for name, (title, caption) in _PICTURES.items():
        if name in files:
            path = fetch(files[name])
            if name == _DIAGRAM:
                sheets.append(Sheet(f"faces-{name}", title, caption, *diagram(path), look="diagram"))
            else:
                sheets.append(_contact_sheet(f"faces-{name}", title, caption, path))
    return sheets


def _contact_sheet(name: str, title: str, caption: str, path: Path) -> Sheet:
    with Image.open(path) as sheet:
        tiles, width = tiles_of(sheet), sheet.width
    source, shown_width, shown_height = photographs(path, round(_SHRUNK * width))
    scale = shown_width / width
    shrunk = tuple(tuple(round(scale * side) for side in tile) for tile in tiles)
    return Sheet(name, title, caption, source, shown_width, shown_height, "contact", shrunk)


def _samples(trained: tuple[TrainFoldOutcome, ...], fetch: Callable[[File], Path]) -> list[Sheet]:
    caption = "The first images of the first epoch as the network sees them: augmented, mixed where the recipe says so."
    return [
        Sheet(
            f"samples-{one.network}",
            f"Training images of {one.network}",
            caption,
            *photographs(fetch(one.samples), _PLAIN),
            look="plain",
        )
        for one in trained
        if one.samples is not None
    ]
