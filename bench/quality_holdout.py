"""Photographed mask states that no network of `quality.py` has seen: cropped once, predicted by the folds' networks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from quality_material import Material

from maskfold.ensemble.scores import macro_f1
from maskfold.faces.choice import Typical
from maskfold.faces.finder import Finder
from maskfold.faces.picture import DecodedPhotograph
from maskfold.inference.network import FinishedNetwork
from maskfold.scheme import FloatArray, IntArray
from maskfold.specs import TrainFoldOutcome, TrainFoldSpec, digest
from maskfold.training.images import Images, open_pack

_AT_A_TIME = 32
ATTRIBUTE = "mask"


@dataclass(frozen=True)
class HoldOut:
    """The crops and what they show."""

    pack: Path
    """npy, uint8, (N, height, width, 3)."""
    portraits: Path
    classes: IntArray
    """Of the mask, (N,)."""
    material: Material
    mark: str
    """Changes with the photographs, the labels and the crop."""

    @classmethod
    def make(cls, folder: Path, material: Material) -> HoldOut:
        """Crop the photographs of a hold-out as those of a material, unless that is done.

        Args:
            folder: Has `labels.csv` with the columns path and mask.
            material: Where faces are usually, and the crop.
        """
        table = pd.read_csv(folder / "labels.csv", dtype=str)
        attribute = material.recipe.scheme[ATTRIBUTE]
        classes = np.array([int(attribute.parse(text)) for text in table[ATTRIBUTE]])
        crop, learnt = material.recipe.crop, material.cropped.typical_face
        sizes = [(folder / path).stat().st_size for path in table["path"]]
        known = [table["path"].tolist(), sizes, classes.tolist(), crop.model_dump(mode="json")]
        mark = digest([*known, learnt and learnt.model_dump(mode="json")])[:16]
        home = Path(material.workspace.locate(f"quality/holdout/{mark}"))
        made = cls(home / "faces.npy", home / "portraits.npy", classes, material, mark)
        if not made.portraits.is_file():
            home.mkdir(parents=True, exist_ok=True)
            made._crop([folder / path for path in table["path"]])
        return made

    def _crop(self, files: Sequence[Path]) -> None:
        crop, learnt = self.material.recipe.crop, self.material.cropped.typical_face
        typical = None if learnt is None else Typical(learnt.centre, learnt.spread, learnt.box, learnt.count)
        finder = Finder(crop, "cuda" if torch.cuda.is_available() else "cpu")
        faces, portraits = [], []
        for start in range(0, len(files), _AT_A_TIME):
            taken = [DecodedPhotograph.take(file, crop)[0] for file in files[start : start + _AT_A_TIME]]
            decided = finder.decide(taken, finder.look(taken), typical)
            keep_aspect = crop.aspect != "stretch"
            faces += [one.cut(d.entry.crop, crop.face_size, keep_aspect) for one, d in zip(taken, decided, strict=True)]
            portraits += [one.cut((0.0, 0.0, one.width, one.height), crop.portrait_size) for one in taken]
        np.save(self.pack, np.stack(faces))
        np.save(self.portraits, np.stack(portraits))

    def predict(self, spec: TrainFoldSpec, outcome: TrainFoldOutcome) -> FloatArray:
        """Return what a training says, (N, classes of its target); it is kept."""
        kept = self.pack.with_name(f"{spec.key}.npy")
        if not kept.is_file():
            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            network = FinishedNetwork.load(self.material.workspace.fetch(outcome.weights), device)
            source = self.pack if network.card.input.source == "face" else self.portraits
            with tempfile.TemporaryDirectory(prefix="holdout-") as scratch:
                images = Images(open_pack(source, network.card.input.size, Path(scratch)), device)
                found = network.predict(images, np.arange(len(self.classes)))
            np.save(kept, found)
        loaded: NDArray[np.float32] = np.load(kept)
        return loaded.astype(np.float64)

    def scores(self, probabilities: FloatArray) -> Mapping[str, float]:
        """Return the macro-F1 and the share found of each class."""
        attribute = self.material.recipe.scheme[ATTRIBUTE]
        answers = probabilities.argmax(axis=1)
        shares = {
            name: float((answers[self.classes == number] == number).mean())
            for number, name in enumerate(attribute.class_names)
        }
        return {"macro_f1": macro_f1(self.classes, answers, attribute.size), **shares}


def described(scores: Sequence[Mapping[str, float]]) -> str:
    """Return scores of several seeds in one cell of a table: the macro-F1, then the share found of each class."""
    if not scores:
        return "-"
    means = {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}
    whole = means.pop("macro_f1")
    return f"{whole:.3f} ({', '.join(f'{name} {share:.2f}' for name, share in means.items())})"
