"""Faces to train on, for the benchmarks of training: as a pack, as JPEG files, as the inputs of fold jobs.

The faces are the middles of real photographs if the folder `../shared/realdata` exists, else of drawn ones. If more
are requested than exist, they repeat, each with a row and a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from maskfold.dataset.manifest import COLUMNS
from maskfold.recipe import Crop, Network, load_recipe
from maskfold.scheme import IntArray
from maskfold.specs import TrainFoldSpec
from maskfold.storage import open_workspace
from maskfold.training.data import FoldData, Part

REAL = Path(__file__).parents[2] / "shared" / "realdata"
SCHEME = load_recipe("fast", ["labels.age_bounds=[45, 60]"]).scheme  # bounds that the real photographs need
_PHOTOGRAPHS = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
_MASKS = {"normal": 2, "incorrect_mask": 1}


@dataclass(frozen=True)
class Material:
    """Faces with their labels."""

    pack: np.ndarray
    """uint8, (N, H, W, 3)."""
    manifest: pd.DataFrame
    """As the data set's; the last images are the evaluation part."""
    source: str
    """``photographs`` or ``drawn``."""

    @property
    def classes(self) -> IntArray:
        """Joint class of each face; also of the evaluation images."""
        return np.arange(len(self.pack), dtype=np.int64) % SCHEME.n_classes

    def fold(self, train: int, valid: int) -> FoldData:
        """Return a fold that trains on the first faces and validates on those after them."""
        return FoldData(
            train=self._part(slice(0, train)),
            valid=self._part(slice(train, train + valid)),
            scheme=SCHEME,
            counted=np.arange(SCHEME.n_classes),
        )

    def _part(self, some: slice) -> Part:
        rows = np.arange(len(self.pack), dtype=np.int64)[some]
        classes = self.classes[some]
        return Part(self.manifest["image"].to_numpy(object)[some], rows, classes, SCHEME.decode(classes))

    def held_out(self, fold: int, folds: int) -> np.ndarray:
        """Return which of the training part's faces are of a fold's people, bool."""
        people = self.manifest.loc[self.manifest["part"] == "train", "person"]
        codes, _ = pd.factorize(people)
        return codes % folds == fold

    def write_jpegs(self, folder: Path) -> list[Path]:
        """Write each face as a file of the pack's size, as cropping it beforehand leaves it."""
        folder.mkdir(parents=True)
        files = [folder / f"{number:06d}.jpg" for number in range(len(self.pack))]
        for file, pixels in zip(files, self.pack, strict=True):
            Image.fromarray(pixels).save(file, quality=95)
        return files

    def specs(self, workspace: Path, network: Network, folds: int) -> list[TrainFoldSpec]:
        """Put the inputs into a workspace and return one job for each fold of a network."""
        opened = open_workspace(str(workspace))
        manifest = self.manifest.assign(name="photo", sha256="", width=240, height=320, readable=True, corrected=False)
        manifest = manifest[[*COLUMNS, *SCHEME.names]].astype({"mask": "int16", "gender": "int16", "age": "float64"})
        people = manifest.loc[manifest["part"] == "train", "person"].unique()  # in the order of `held_out`
        tables = {
            "manifest": manifest,
            "folds": pd.DataFrame({"person": people, "fold": np.arange(len(people)) % folds}),
            "index": pd.DataFrame({"image": manifest["image"], "row": np.arange(len(manifest)), "status": "detected"}),
        }
        files = {}
        for name, table in tables.items():
            table.to_parquet(workspace / f"{name}.parquet", index=False)
            files[name] = opened.publish(workspace / f"{name}.parquet", f"inputs/{name}.parquet")
        np.save(workspace / "faces.npy", self.pack)
        files["pack"] = opened.publish(workspace / "faces.npy", "inputs/faces.npy")
        (workspace / "faces.npy").unlink()
        return [
            TrainFoldSpec(
                workspace=opened.uri,
                network=network,
                fold=fold,
                n_folds=folds,
                scheme=SCHEME,
                crop=Crop(),
                typical_face=None,
                deterministic=True,
                learnt_versions=("bench",),
                folds_version="bench",
                weights=None,
                **files,
            )
            for fold in range(folds)
        ]


def collect(train: int, size: tuple[int, int], scratch: Path, evaluation: int = 0) -> Material:
    """Return that many faces for training and evaluation, of a size (height, width).

    Args:
        train: Faces to train and validate on.
        size: Height and width in pixels.
        scratch: Where photographs are drawn if there are no real ones.
        evaluation: Faces to predict.
    """
    data = REAL if REAL.is_dir() else _drawn(scratch)
    files = sorted(file for file in (data / "train" / "images").glob("*/*") if file.stem in _PHOTOGRAPHS)
    wanted = train + evaluation
    pack = np.empty((wanted, *size, 3), dtype=np.uint8)
    for row, file in enumerate(files[:wanted]):
        pack[row] = _middle(file, size)
    for row in range(len(files), wanted):
        pack[row] = pack[row % len(files)]
    rows = list(_rows(files, train, evaluation))
    source = "photographs" if data == REAL else "drawn"
    return Material(pack, pd.DataFrame(rows), source)


def _middle(file: Path, size: tuple[int, int]) -> np.ndarray:
    """Return roughly the crop of the face."""
    with Image.open(file) as image:
        width, height = image.size
        box = (width * 0.2, height * 0.1, width * 0.8, height * 0.75)
        return np.asarray(image.convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR, box=box))


def _rows(files: list[Path], train: int, evaluation: int) -> Iterator[dict[str, object]]:
    for number in range(train):
        file, again = files[number % len(files)], number // len(files)
        _, gender, _, age = file.parent.name.split("_")
        yield {
            "image": f"train/images/{file.parent.name}-{again}/{file.name}",
            "part": "train",
            "person": f"{file.parent.name}-{again}",
            "mask": _MASKS.get(file.stem, 0),
            "gender": int(gender == "female"),
            "age": int(age),
        }
    for number in range(evaluation):
        yield {
            "image": f"eval/images/{number}.jpg",
            "part": "eval",
            "person": "",
            "mask": -1,
            "gender": -1,
            "age": np.nan,
        }


def _drawn(scratch: Path) -> Path:
    from portraits import draw

    folder = scratch / "drawn"
    draw(folder, people=40, seed=0, eval_people=1)
    return folder
