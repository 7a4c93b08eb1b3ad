"""Small data sets in the competition's layout; each test damages them in one way."""

import csv
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from maskfold.dataset.competition.layout import MASK_OF_NAME
from maskfold.dataset.reading import CorrectionsFile, Source
from maskfold.dataset.survey import Survey
from maskfold.dataset.survey import survey as survey_of
from maskfold.dataset.verify import Progress
from maskfold.recipe import load_recipe
from maskfold.scheme import Scheme

MASK = load_recipe("smoke").scheme
"""The competition's scheme."""
COLUMNS = ["id", "gender", "race", "age", "path"]


def paint(path: Path, seed: object, size: tuple[int, int] = (24, 32)) -> None:
    """Write a small picture that differs from those of other seeds."""
    digest = hashlib.sha256(repr(seed).encode()).digest()
    pixels = np.random.default_rng(list(digest)).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    image.save(path, format="PNG" if path.suffix.lower() == ".png" else "JPEG")


def scheme(**bounds: list[int]) -> Scheme:
    """Return the competition's scheme with other bounds of age."""
    return load_recipe("smoke", [f"scheme.attributes.{name}.bounds={value}" for name, value in bounds.items()]).scheme


def survey(root: Path, corrections: Path | None = None, threads: int = 1, progress: Progress | None = None) -> Survey:
    """Survey a data set in the competition's layout."""
    file = CorrectionsFile(corrections, corrections.name) if corrections else None
    return survey_of(Source(root, MASK, corrections=file), threads=threads, progress=progress)


class DataSet:
    """A data set under construction; :meth:`write` puts the tables on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = root / "train" / "images"
        self.eval_images = root / "eval" / "images"
        self.images.mkdir(parents=True)
        self.eval_images.mkdir(parents=True)
        self.rows: list[dict[str, str]] = []
        self.image_ids: list[str] = []

    def person(self, name: str, **row: str) -> Path:
        """Add a person with seven photographs and a row with the folder's labels; ``row`` overrides cells."""
        folder = self.images / name
        folder.mkdir()
        for photograph in MASK_OF_NAME:
            paint(folder / f"{photograph}.jpg", (name, photograph))
        self.row(name, **row)
        return folder

    def row(self, name: str, **row: str) -> None:
        cells = dict(zip(COLUMNS, [*name.split("_"), name], strict=True)) if name.count("_") == 3 else {"path": name}
        self.rows.append({**dict.fromkeys(COLUMNS, "x"), **cells, **row})

    def people(self, n: int = 12, first: int = 1) -> "DataSet":
        for number in range(first, first + n):
            gender, age = ("male", "female")[number % 2], (20, 40, 65)[number % 3]
            self.person(f"{number:06d}_{gender}_Asian_{age}")
        return self

    def evaluation(self, n: int = 3) -> "DataSet":
        for number in range(n):
            name = f"{number:040x}.jpg"
            paint(self.eval_images / name, ("eval", number))
            self.image_ids.append(name)
        return self

    def write(self) -> Path:
        with (self.root / "train" / "train.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        with (self.root / "eval" / "info.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["ImageID", "ans"], *([image_id, 0] for image_id in self.image_ids)])
        return self.root


class Table:
    """A folder with photographs and a table of them."""

    def __init__(self, root: Path, name: str = "faces.csv") -> None:
        self.root = root
        self.csv = root / name
        root.mkdir()

    def image(self, path: str, seed: object = None) -> Path:
        """Add a photograph; equal seeds give equal photographs."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        paint(file, ("table", self.root.name, path) if seed is None else seed)
        return file

    def write(self, *rows: str, header: str) -> Path:
        """Write the table, and each missing photograph that a row names."""
        self.csv.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return self.root
