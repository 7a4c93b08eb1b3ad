"""Digests of a manifest: of its whole content, of its images alone, and of what a network learns from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd

from maskfold.dataset.manifest import external_rows, train_rows
from maskfold.scheme import Attribute, Scheme
from maskfold.specs import digest

CELLS: Final = "cells"
"""Means all attributes, as in the sampler ``balanced-cells``."""


def dataset_version(manifest: pd.DataFrame) -> str:
    """Return the digest of a manifest's content, independent of the file format; sha256, hexadecimal."""
    return digest([list(manifest.columns), *(_values(manifest[column]) for column in manifest.columns)])


def images_version(manifest: pd.DataFrame) -> str:
    """Return the digest of the images and their order, independent of labels; sha256, hexadecimal."""
    return digest([manifest["image"].tolist(), manifest["sha256"].tolist()])


def learnt_versions(manifest: pd.DataFrame, scheme: Scheme) -> dict[str, str]:
    """Return digests of what a network learns from, by its target and by what its sampler balances.

    A network learns from the training images and from the external images with a fully known target. Its digest changes
    with these images, their people and the labels that it uses, and with nothing else.

    Returns:
        Digests by ``target``, ``target+attribute`` and ``target+cells``; sha256, hexadecimal.
    """
    found = {}
    for target in scheme.targets:
        members = scheme.members(target)
        extras = {"": (), **{one.name: (one,) for one in scheme.attributes}, CELLS: scheme.attributes}
        learnt: dict[tuple[str, ...], str] = {}
        for extra, added in extras.items():
            names = tuple(one.name for one in scheme.attributes if one in members or one in added)
            if names not in learnt:
                learnt[names] = _learnt(manifest, members, names)
            found[f"{target}+{extra}" if extra else target] = learnt[names]
    return found


def _learnt(manifest: pd.DataFrame, target: Iterable[Attribute], names: Sequence[str]) -> str:
    train, external = train_rows(manifest), external_rows(manifest)
    for attribute in target:
        external = external[attribute.classes(external[attribute.name]) >= 0]
    own = [_values(train[column]) for column in ("image", "sha256", "person", *names)]
    return digest([list(names), own, [_values(external[column]) for column in ("sha256", *names)]])


def _values(column: pd.Series[Any]) -> list[object]:
    """Return values for JSON; an unknown number becomes null."""
    return [None if isinstance(value, float) and math.isnan(value) else value for value in column.tolist()]
