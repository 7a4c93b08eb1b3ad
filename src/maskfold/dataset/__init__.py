"""The data set: its content, what is usable, and which fold holds out each person."""

from maskfold.dataset.folds import read_folds
from maskfold.dataset.manifest import read_manifest, train_rows
from maskfold.dataset.preparation import check, prepare
from maskfold.dataset.quarantine import Entry, read_quarantine
from maskfold.dataset.rendering import render
from maskfold.dataset.versions import images_version

__all__ = [
    "Entry",
    "check",
    "images_version",
    "prepare",
    "read_folds",
    "read_manifest",
    "read_quarantine",
    "render",
    "train_rows",
]
