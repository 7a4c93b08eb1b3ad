"""The cache of a machine stays below its size."""

import os
import time
from pathlib import Path

import pytest

from maskfold.storage import open_workspace
from maskfold.storage.cache import cache_folder, cached_file, locked
from maskfold.storage.pruning import prune

DAY = 24 * 3600
MB = 1_000_000


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    for one in (path, path / ".lock"):
        if one.exists():
            os.utime(one, (then, then))


def copy(name: str, days: float, kind: str = "trees") -> Path:
    """Make a copy of one megabyte that was last used some days ago."""
    folder = cache_folder() / kind / name
    (folder / "files" / "images").mkdir(parents=True)
    (folder / "files" / "images" / "a.jpg").write_bytes(os.urandom(MB))
    (folder / "complete").write_text("x")
    age(folder, days)
    return folder


def left() -> set[str]:
    return {path.name for kind in ("trees", "files", "work") for path in (cache_folder() / kind).glob("*")}


def test_the_longest_unused_go_first_until_the_rest_fits() -> None:
    for name, days in (("a", 4), ("b", 9), ("c", 2), ("d", 3)):
        copy(name, days, "files" if name == "c" else "trees")
    assert prune(2_100_000) >= 2 * MB
    assert left() == {"c", "d"}
    assert prune(2_100_000) == 0
    assert list(cache_folder().glob(".gone-*")) == []


def test_what_was_used_today_stays_however_large() -> None:
    copy("today", 0.5)
    copy("yesterday", 1.5)
    prune(0)
    assert left() == {"today"}


def test_what_nobody_used_for_a_month_goes_from_a_small_cache_too() -> None:
    copy("old", 31)
    copy("older lock", 31, "work")
    copy("new", 29)
    prune(10**12)
    assert left() == {"new"}


def test_a_copy_that_is_being_filled_stays() -> None:
    folder = copy("slow", 5)
    with locked(folder):
        age(folder, 5)
        prune(0)
        assert (folder / "complete").exists()
    age(folder, 5)
    prune(0)
    assert left() == set()


def test_use_counts(tmp_path: Path) -> None:
    """A file of the cache that is asked for again is not the oldest any more, and one that is gone comes back."""
    workspace = open_workspace(str(tmp_path / "w"))
    files = [workspace.write(f"inputs/{name}", name.encode()) for name in ("one", "two")]

    def fetch(number: int) -> Path:
        file = files[number]
        content = workspace.read(file.path)
        assert content is not None
        return cached_file(file.sha256, "x", file.path, lambda path: path.write_bytes(content) and None)

    paths = [fetch(0), fetch(1)]
    for path in paths:
        age(path.parent, 3)
    fetch(1)
    prune(0)
    assert [path.exists() for path in paths] == [False, True]
    assert fetch(0).read_bytes() == b"one"


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_a_cache_that_is_not_there_is_small(kind: str, maskfold_home: Path) -> None:
    if kind == "a file":
        (maskfold_home / "cache").mkdir(parents=True)
        (maskfold_home / "cache" / "trees").write_text("")
    assert prune(0) == 0
