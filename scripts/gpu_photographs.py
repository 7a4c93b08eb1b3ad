"""Photographs for the bundle of `gpu_bundle.sh`: 384 x 512, as in the competition, seven of each person.

They are those of a folder beside the project if it is there, enlarged; else drawn ones.

    python scripts/gpu_photographs.py OUT [--people N]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from portraits import draw

REAL = Path(__file__).parents[2] / "shared" / "realdata"
SIZE = (384, 512)
QUALITY = 88


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=86)
    arguments = parser.parse_args()
    if not REAL.is_dir():
        draw(arguments.out, people=arguments.people, seed=0, eval_people=1, size=SIZE)
        return
    people = sorted(path for path in (REAL / "train" / "images").iterdir() if not path.name.startswith("."))
    for person in people[:: max(1, len(people) // arguments.people)][: arguments.people]:
        folder = arguments.out / "train" / "images" / person.name
        folder.mkdir(parents=True)
        for file in sorted(person.iterdir()):
            with Image.open(file) as image:
                enlarged = image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
            enlarged.save((folder / file.name).with_suffix(".jpg"), quality=QUALITY)


if __name__ == "__main__":
    main()
