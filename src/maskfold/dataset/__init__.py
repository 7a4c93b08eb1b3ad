"""The data set: what it holds, what of it can be used, and who is in which fold."""

from maskfold.dataset.corrections import agreed_path
from maskfold.dataset.folds import assign_folds, check_folds, folds_version, read_folds
from maskfold.dataset.images import Probe, decode, probe
from maskfold.dataset.layout import image_path
from maskfold.dataset.manifest import (
    class_counts,
    dataset_version,
    eval_rows,
    external_rows,
    images_version,
    people_table,
    read_manifest,
    train_rows,
)
from maskfold.dataset.preparation import Prepared, check, load_corrections, prepare
from maskfold.dataset.quarantine import Entry, read_quarantine
from maskfold.dataset.rendering import render
from maskfold.dataset.summary import DatasetReport, describe

__all__ = [
    "DatasetReport",
    "Entry",
    "Prepared",
    "Probe",
    "agreed_path",
    "assign_folds",
    "check",
    "check_folds",
    "class_counts",
    "dataset_version",
    "decode",
    "describe",
    "eval_rows",
    "external_rows",
    "folds_version",
    "image_path",
    "images_version",
    "load_corrections",
    "people_table",
    "prepare",
    "probe",
    "read_folds",
    "read_manifest",
    "read_quarantine",
    "render",
    "train_rows",
]
