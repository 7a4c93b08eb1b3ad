"""A data set in the competition's layout from photographs of faces with gender and age, for `quality.py --data`.

The faces of the folder `realfaces` are of all kinds of people from 20 to 69, and their ages are known better than those
of `realdata`, so that gender and age tell variants apart there. Each person has one photograph: covers are drawn on it,
five worn and one worn wrongly, by the same drawing as in training; so scores of the mask say nothing here.

    python bench/quality_faces.py --faces ../shared/realfaces --out DIR [--people 360]
    python bench/quality.py --data DIR --set 'labels.age_bounds=[30, 60]' ...
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from maskfold.faces.cascade import Cascade
from maskfold.training.cover_drawing import Box, draw_covers
from maskfold.training.cover_shapes import Use

NAMES = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
USES = np.array([Use.WORN] * 5 + [Use.WRONG], dtype=np.int64)


def main() -> int:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder with external.csv (path, gender, age)")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--people", type=int, default=360)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    wrong = None
    if not (arguments.faces / "external.csv").is_file():
        wrong = f"--faces {arguments.faces}: no external.csv there"
    elif arguments.out.exists():
        wrong = f"--out {arguments.out}: exists; name a new folder"
    if wrong:
        print(f"quality_faces: {wrong}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    draws, rows = np.random.default_rng(arguments.seed), []
    *people, last = itertools.islice(_found(arguments.faces, draws), arguments.people + 1)
    for row, photograph, face in people:
        number = f"{len(rows):06d}"
        folder = f"{number}_{row['gender']}_Various_{row['age']}"
        _write(arguments.out / "train" / "images" / folder, photograph, face, draws)
        rows.append({"id": number, "gender": row["gender"], "race": "Various", "age": row["age"], "path": folder})
    with (arguments.out / "train" / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    _write(arguments.out / "eval" / "images", *last[1:], draws)  # the layout has an evaluation part
    lines = ["ImageID,ans", *(f"{name}.jpg,0" for name in NAMES), ""]
    (arguments.out / "eval" / "info.csv").write_text("\n".join(lines), encoding="utf-8")
    print(f"{arguments.out}: {len(rows)} people")
    return 0


def _found(source: Path, draws: np.random.Generator) -> Iterator[tuple[dict[str, str], Image.Image, Box]]:
    """Yield the photographs on which a face is found, in random order: the row, the picture, where the face is."""
    detector = Cascade()
    with (source / "external.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for place in draws.permutation(len(rows)):
        with Image.open(source / rows[place]["path"]) as opened:
            photograph = opened.convert("RGB")
        [found] = detector.detect([np.asarray(photograph)])
        if len(found) and found.probabilities[0] > 0.95:
            left, top, right, bottom = (found.boxes[0] / np.tile(photograph.size, 2)).tolist()
            yield rows[place], photograph, (left, top, right, bottom)


def _write(folder: Path, photograph: Image.Image, face: Box, draws: np.random.Generator) -> None:
    """Write a person's seven photographs."""
    folder.mkdir(parents=True)
    pixels = torch.from_numpy(np.asarray(photograph, dtype=np.float32) / 255).permute(2, 0, 1)
    covered = draw_covers(pixels.repeat(len(USES), 1, 1, 1), USES, np.zeros(len(USES), dtype=bool), face, draws)
    pictures = (torch.cat([covered, pixels[None]]) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for name, picture in zip(NAMES, pictures, strict=True):
        Image.fromarray(picture).save(folder / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    sys.exit(main())
