"""The competition's attributes are named by its scheme, its reader and its publisher, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORDS = re.compile(r"(?<![a-z0-9.#])(masks?|genders?|ages?|18)(?![a-z0-9])", re.IGNORECASE)
"""Also as a part of a name in code, such as `age_bounds`."""
EXEMPT = (
    "src/maskfold/recipe/presets/",
    "src/maskfold/recipe/schemes.py",
    "src/maskfold/dataset/competition/",
    "src/maskfold/ensemble/publishers/competition.py",
)


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("src/maskfold", "flows", "tasks"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in {".py", ".html", ".yaml"} and not name.startswith(EXEMPT):
                yield name, path.read_text(encoding="utf-8")


def test_no_attribute_of_the_competition_is_named() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in sources()
        for number, line in enumerate(text.splitlines(), start=1)
        if WORDS.search(line)
    ]
    assert found == []


def test_the_search_sees_words_and_parts_of_names() -> None:
    for line in ("age_bounds = (30, 60)", "over 18 classes", "N_GENDER", "the mask's state", "ages"):
        assert WORDS.search(line), line
    for line in ("import maskfold", "the image's page", "resnet18", "average", "0.18", "#18aabb", "stage"):
        assert not WORDS.search(line), line
