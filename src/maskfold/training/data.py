"""Training and validation images of one fold's network, with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.dataset.folds import held_out_folds
from maskfold.errors import InvariantError, RecipeError
from maskfold.recipe import Network
from maskfold.scheme import JOINT, UNKNOWN, IntArray, Scheme
from maskfold.training.binning import counted_classes, is_left_out
from maskfold.training.targets import Targets, targets_of


@dataclass(frozen=True)
class Part:
    """A part of the packed images."""

    images: NDArray[np.object_]
    """Names, as in the manifest, (N,)."""
    rows: IntArray
    """Rows of the pack, (N,)."""
    classes: IntArray
    """Classes of the target, (N,); those that training uses in the training part, those that count in the validation
    part, -1 where the truth is unknown."""
    labels: IntArray
    """Classes of all attributes, (N, attributes), by the bounds of the training labels in the training part; -1 where
    one is unknown."""
    targets: Targets | None = None
    """Of the training part of a network that learns shares of several classes, or from images of which not everything
    is known; its ``classes`` are then those of the training labels, -1 where one attribute is not known. None: all of
    each image is of its class."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FoldData:
    """The data of one fold."""

    train: Part
    """Images of the other folds' people and external ones, with training labels."""
    valid: Part
    """All images of the held-out fold's people, with the labels that count."""
    scheme: Scheme
    """The scheme that counts."""
    counted: IntArray
    """The class that each class of the training part counts as; see :mod:`maskfold.training.binning`."""

    @property
    def class_counts(self) -> IntArray:
        """Training images of each of the training part's classes, int64."""
        size = len(self.counted) if self.train.targets is None else int(self.counted.max()) + 1
        return np.bincount(self.train.classes[self.train.classes >= 0], minlength=size).astype(np.int64)


def split(
    manifest: pd.DataFrame,
    folds: pd.DataFrame,
    index: pd.DataFrame,
    fold: int | None,
    network: Network,
    scheme: Scheme,
) -> FoldData:
    """Join the tables and split the training images by the fold of their person; without a fold no one is held out.

    External images with a known class of the target are in the training part of every fold, and never in validation.

    Args:
        manifest: Columns image, part, person, and one for each attribute; one row per image.
        folds: Columns person, fold.
        index: Columns image, row, status: where each image is in the pack.
        fold: Number of the fold held out; None leaves the validation part empty.
        network: Its target, and its binning of attributes with bounds.
        scheme: What the labels are.

    Raises:
        RecipeError: If leaving out numbers leaves no images to train on.
        InvariantError: If an image has no row in the pack, a person is in no fold or in two, or a part has no images.
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
    learnt, judged = known[~held_out], known[held_out]
    if len(learnt) < 2 or (len(judged) == 0) != (fold is None):
        raise InvariantError(f"fold {fold}: {len(learnt)} training images and {len(judged)} validation images")
    target, binning = network.target, network.binning
    taught = learnt[~is_left_out(learnt, len(learnt), binning)]
    if len(taught) < 2:
        spans = "; ".join(
            f"{name} {', '.join(f'{first:g}-{last:g}' for first, last in one.leave_out)}"
            for name, one in binning.items()
        )
        where = "" if fold is None else f" of fold {fold}"
        raise RecipeError(
            f"networks.{network.name}: leave_out of {spans}: {len(taught)} of {len(learnt)} training images{where} are "
            "left; leave out fewer"
        )
    added = _external(table, network, scheme)
    if len(added):
        taught = pd.concat([taught[added.columns], added])
    trained, groups = network.taught(scheme), scheme.for_training()
    targets = targets_of(network, trained, taught)
    classed = trained if targets is None else groups
    return FoldData(
        train=_part(taught, _classes(classed, classed.labels(taught), target), groups.labels(taught), targets),
        valid=_part(judged, scheme.column(scheme.labels(judged), target), scheme.labels(judged)),
        scheme=scheme,
        counted=counted_classes(network, scheme),
    )


def _external(table: pd.DataFrame, network: Network, scheme: Scheme) -> pd.DataFrame:
    """Return the external images that a network trains on: those with all attributes of its target known, or any."""
    found = table[table["part"] == "external"]
    needed = [scheme.names.index(attribute.name) for attribute in scheme.members(network.target)]
    each = scheme.labels(found)[:, needed] >= 0
    known = each.any(axis=1) if network.partial_labels else each.all(axis=1)
    return found[known & ~is_left_out(found, len(found), network.binning)]


def _classes(scheme: Scheme, labels: IntArray, target: str) -> IntArray:
    """Return the classes of a target, (N,), -1 where an attribute of it is not known."""
    if target != JOINT:
        return scheme.column(labels, target)
    known, found = (labels >= 0).all(axis=1), np.full(len(labels), UNKNOWN, dtype=np.int64)
    found[known] = scheme.encode(labels[known])
    return found


def _part(table: pd.DataFrame, classes: IntArray, labels: IntArray, targets: Targets | None = None) -> Part:
    return Part(
        images=table["image"].to_numpy(dtype=object),
        rows=table["row"].to_numpy(dtype=np.int64),
        classes=classes,
        labels=labels,
        targets=targets,
    )
