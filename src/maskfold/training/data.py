"""What one fold's network learns from, is judged by and predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.dataset.folds import held_out_folds
from maskfold.errors import InvariantError, RecipeError
from maskfold.labels import ATTRIBUTES, IntArray, Target, age_group, target_classes
from maskfold.recipe import Ages, Labels
from maskfold.training.ages import is_left_out, official_classes, trained_classes
from maskfold.training.cells import cells_of


@dataclass(frozen=True)
class Part:
    """Some of the packed images."""

    images: NDArray[np.object_]
    """Names, as in the manifest, (N,)."""
    rows: IntArray
    """Rows of the pack, (N,)."""
    classes: IntArray
    """Classes of the target, (N,); those that training uses in the training part, official ones in the validation
    part, -1 where the truth is unknown."""
    cells: IntArray
    """What is known of mask, gender and age group, by the same bounds, (N,): joint classes 0..17, negative where one is
    unknown; see :mod:`maskfold.training.cells`."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FoldData:
    """The data of one fold."""

    train: Part
    """Images of the other folds' people and external ones, with training labels."""
    valid: Part
    """All images of the held-out fold's people, with official labels."""
    evaluation: Part
    """All evaluation images, in order, without labels."""
    unreadable: NDArray[np.bool_]
    """Evaluation images without pixels."""
    official: IntArray
    """Official class that each class of the training part counts as; see :mod:`maskfold.training.ages`."""

    @property
    def class_counts(self) -> IntArray:
        """Training images of each class that training uses, int64."""
        return np.bincount(self.train.classes, minlength=len(self.official)).astype(np.int64)


def split(
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    index: pd.DataFrame,
    fold: int | None,
    target: Target,
    labels: Labels,
    ages: Ages = Ages(),  # noqa: B008 - frozen
) -> FoldData:
    """Join the tables and split the training images by the fold of their person; without a fold nobody is held out.

    External images whose classes of the target are known are trained on in every fold, and never judged by.

    Args:
        manifest: Columns image, part, person, mask, gender, age (years); one row per image.
        folds: Columns person, fold.
        index: Columns image, row, status: where each image lies in the pack.
        fold: Number of the fold held out; None leaves the validation part empty.
        target: What the classes are of.
        labels: Age bounds, of training labels and official ones.
        ages: What ages are left out of training, and finer bins.

    Raises:
        RecipeError: If leaving out ages leaves no images to train on.
        InvariantError: If an image has no row in the pack, a person no fold or two, or a part has no images.
    """
    table = manifest.merge(index[["image", "row", "status"]], on="image", how="left", validate="one_to_one")
    missing = table.loc[table["row"].isna(), "image"]
    if len(missing):
        raise InvariantError(
            f"{len(missing)} images of the manifest are not in the pack's index, first {missing.iloc[0]}"
        )
    known = table[table["part"] == "train"].reset_index(drop=True)
    known = known.assign(fold=held_out_folds(known["person"], folds))
    held_out = known["fold"] == (-1 if fold is None else fold)
    learnt, judged, asked = known[~held_out], known[held_out], table[table["part"] == "eval"]
    if len(learnt) < 2 or (len(judged) == 0) != (fold is None):
        raise InvariantError(f"fold {fold}: {len(learnt)} images to learn from and {len(judged)} to judge by")
    taught = learnt[~is_left_out(learnt["age"], ages)]
    if len(taught) < 2:
        spans = ", ".join(f"{first}-{last}" for first, last in ages.leave_out)
        where = "" if fold is None else f" of fold {fold}"
        raise RecipeError(
            f"ages.leave_out {spans}: {len(taught)} of {len(learnt)} training images{where} are left; "
            "leave out fewer ages"
        )
    added = _external(table, target, ages)
    if len(added):
        taught = pd.concat([taught[added.columns], added])
    bounds = labels.train_age_bounds or labels.age_bounds
    return FoldData(
        train=_part(
            taught,
            trained_classes(target, taught["mask"], taught["gender"], taught["age"], bounds, ages),
            _cells(taught, bounds),
        ),
        valid=_part(judged, _classes(judged, target, labels.age_bounds), _cells(judged, labels.age_bounds)),
        evaluation=_part(asked, *[np.full(len(asked), -1, dtype=np.int64)] * 2),
        unreadable=(asked["status"] == "unreadable").to_numpy(dtype=bool),
        official=official_classes(target, bounds, ages),
    )


def _external(table: pd.DataFrame, target: Target, ages: Ages) -> pd.DataFrame:
    """Return the external images that a network can learn from."""
    needed = list(ATTRIBUTES) if target == "joint" else [target]
    known = (table[needed] >= 0).all(axis=1)
    return table[(table["part"] == "external") & known & ~is_left_out(table["age"], ages)]


def _classes(table: pd.DataFrame, target: Target, bounds: tuple[int, int]) -> IntArray:
    return target_classes(target, table["mask"], table["gender"], age_group(table["age"], bounds))


def _cells(table: pd.DataFrame, bounds: tuple[int, int]) -> IntArray:
    group = np.where(table["age"] >= 0, age_group(table["age"], bounds), -1)
    return cells_of(table["mask"], table["gender"], group)


def _part(table: pd.DataFrame, classes: IntArray, cells: IntArray) -> Part:
    return Part(
        images=table["image"].to_numpy(dtype=object),
        rows=table["row"].to_numpy(dtype=np.int64),
        classes=classes,
        cells=cells,
    )


def class_shares(classes: IntArray, n_classes: int) -> NDArray[np.float32]:
    """Return the share of each class, float32, (n_classes,): the answer for an image that cannot be seen."""
    counts = np.bincount(classes, minlength=n_classes)
    shares: NDArray[np.float32] = (counts / counts.sum()).astype(np.float32)
    return shares
