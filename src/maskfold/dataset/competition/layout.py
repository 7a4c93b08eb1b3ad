"""Where the competition's data set keeps its tables and images, and how photographs are named.

::

    DIR/train/train.csv               id,gender,race,age,path      one row per person; path is the folder's name
    DIR/train/images/<path>/          mask1 .. mask5, incorrect_mask, normal; .jpg, .jpeg, .png, ...
    DIR/eval/info.csv                 ImageID,ans                  one row per image; ans is not read
    DIR/eval/images/<ImageID>
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maskfold.errors import DatasetError
from maskfold.layouts import EVAL_TABLE, TRAIN_TABLE

MASK_OF_NAME: Final = {**{f"mask{number}": 0 for number in range(1, 6)}, "incorrect_mask": 1, "normal": 2}
"""Mask state by the name of a person's photograph, without its extension."""
PHOTOGRAPHS_PER_PERSON: Final = len(MASK_OF_NAME)

TRAIN_IMAGES: Final = "train/images"
EVAL_IMAGES: Final = "eval/images"


@dataclass(frozen=True)
class Layout:
    """The paths of one data set.

    Attributes:
        root: The data set's folder.
    """

    root: Path

    @property
    def train_table(self) -> Path:
        return self.root / TRAIN_TABLE

    @property
    def train_images(self) -> Path:
        return self.root / TRAIN_IMAGES

    @property
    def eval_table(self) -> Path:
        return self.root / EVAL_TABLE

    @property
    def eval_images(self) -> Path:
        return self.root / EVAL_IMAGES


def find_layout(root: Path) -> Layout:
    """Check that a folder has the layout of a data set.

    Raises:
        DatasetError: If it does not; the message says what is missing and suggests a nearby folder that has it.
    """
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise DatasetError(f"data set {root}: {what}; expected a folder that holds {_expected()}")
    layout = Layout(root)
    missing = [name for name in (TRAIN_TABLE, EVAL_TABLE) if not (root / name).is_file()]
    missing += [f"{name}/" for name in (TRAIN_IMAGES, EVAL_IMAGES) if not (root / name).is_dir()]
    if missing:
        raise DatasetError(
            f"data set {root}: missing {', '.join(missing)}; expected a folder that holds {_expected()}.{_hint(root)}"
        )
    return layout


def _expected() -> str:
    return f"{TRAIN_TABLE}, {TRAIN_IMAGES}/<person>/, {EVAL_TABLE} and {EVAL_IMAGES}/"


def _hint(root: Path) -> str:
    candidates = [root.parent, *sorted(path for path in root.iterdir() if path.is_dir())]
    for candidate in candidates:
        if (candidate / TRAIN_TABLE).is_file():
            return f" Did you mean {candidate}?"
    cased = {path.name.casefold(): path.name for path in root.iterdir()}
    wrong = [cased[name] for name in ("train", "eval") if name in cased and cased[name] != name]
    return f" Names are lower case: rename {', '.join(wrong)}." if wrong else ""
