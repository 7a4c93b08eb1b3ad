"""What earlier jobs left for the page: contact sheets of crops and of augmented images, and what was left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from maskfold.dataset import Entry, read_quarantine
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
_LETTERED: Final = 1280
"""Pixels; narrower sheets with names below the photographs would be illegible."""
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
    look: Literal["lettered", "plain", "diagram"]
    """Photographs with names, which stay legible, photographs alone, or a drawing."""


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
                shown = photographs(path, _LETTERED)
                sheets.append(Sheet(f"faces-{name}", title, caption, *shown, look="lettered"))
    return sheets


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
