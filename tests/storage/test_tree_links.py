"""The fingerprint covers what links lead to, and ends for any arrangement of links."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maskfold.errors import WorkspaceError
from maskfold.storage import fingerprint, list_tree


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "below").mkdir(parents=True)
    (folder / "train.csv").write_text("path\n")
    (folder / "below" / "1.jpg").write_text("one")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "own.csv").write_text("path\n")
    return folder


def change(path: Path) -> None:
    path.write_text(path.read_text() + "more")


ARRANGEMENTS: dict[str, Callable[[Path, Path], object]] = {
    "a linked file": lambda data, outside: (data / "t.csv").symlink_to(outside / "below" / "1.jpg"),
    "a linked folder": lambda data, outside: (data / "images").symlink_to(outside),
    "a link to a link": lambda data, outside: (
        (outside.parent / "hop").symlink_to(outside / "below"),
        (data / "train" / "images").symlink_to("../../hop"),
    ),
    "a link behind a link": lambda data, outside: (
        (outside.parent / "far").mkdir(),
        (outside.parent / "far" / "x").symlink_to(outside / "below" / "1.jpg"),
        (data / "far").symlink_to(outside.parent / "far"),
    ),
}


@pytest.mark.parametrize("arrange", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_a_change_behind_a_link_changes_the_fingerprint(
    data: Path, outside: Path, arrange: Callable[[Path, Path], object]
) -> None:
    arrange(data, outside)
    before = fingerprint(str(data))
    assert fingerprint(str(data)) == before
    change(outside / "below" / "1.jpg")
    assert fingerprint(str(data)) != before


def test_another_target_of_equal_content_changes_the_fingerprint(data: Path, outside: Path) -> None:
    for name in ("a", "b"):
        (outside / name).write_text("same")
        os.utime(outside / name, ns=(1, 1))
    link = data / "link"
    link.symlink_to(outside / "a")
    before = fingerprint(str(data))
    link.unlink()
    link.symlink_to(outside / "b")
    assert fingerprint(str(data)) != before


def test_linked_folders_are_listed_and_links_inside_the_tree_add_nothing(data: Path, outside: Path) -> None:
    (data / "images").symlink_to(outside)
    (data / "again").symlink_to("train")
    assert list_tree(str(data)) == ["images/below/1.jpg", "images/train.csv", "train/own.csv"]


def test_what_is_outside_is_only_listed_on_demand(data: Path, outside: Path) -> None:
    (data / "images").symlink_to(outside)
    assert list_tree(str(data), follow_links=False) == ["train/own.csv"]
    before = fingerprint(str(data), follow_links=False)
    (outside / "new.jpg").touch()
    assert fingerprint(str(data), follow_links=False) == before


@pytest.mark.parametrize("target", ["loop", "..", "/", "nowhere", "."])
def test_links_that_lead_in_a_circle_or_nowhere_stop_nothing(data: Path, target: str) -> None:
    (data / "loop").symlink_to(target)
    assert [name for name in list_tree(str(data)) if name != "loop"] == ["train/own.csv"]
    before = fingerprint(str(data))
    (data / "loop").unlink()
    assert fingerprint(str(data)) != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error_of_the_tree_alone(data: Path, outside: Path) -> None:
    (data / "images").symlink_to(outside)
    (outside / "below").chmod(0)
    (data / "closed").mkdir(mode=0)
    try:
        with pytest.raises(WorkspaceError, match="closed cannot be read"):
            fingerprint(str(data))
        (data / "closed").chmod(0o700)
        assert fingerprint(str(data))
    finally:
        (outside / "below").chmod(0o700)
