"""The fingerprint covers what links lead to, and ends for any arrangement of links."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maskfold.errors import DatasetError, WorkspaceError
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


def test_another_end_of_a_chain_of_links_changes_the_fingerprint(data: Path, outside: Path) -> None:
    for name in ("a", "b"):
        (outside / name).write_text("same")
        os.utime(outside / name, ns=(1, 1))
    (data / "link").symlink_to(outside / "hop")
    found = set()
    for name in ("a", "b"):
        (outside / "hop").unlink(missing_ok=True)
        (outside / "hop").symlink_to(name)
        found.add(fingerprint(str(data)))
    assert len(found) == 2


@pytest.mark.parametrize("behind_a_link", [False, True])
def test_other_content_of_equal_size_and_time_changes_the_fingerprint(
    data: Path, outside: Path, behind_a_link: bool
) -> None:
    (data / "images").symlink_to(outside)
    table = (outside if behind_a_link else data / "train") / "labels.csv"
    table.write_text("age\n27\n")
    times = table.stat()
    before = fingerprint(str(data))
    table.write_text("age\n72\n")
    os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert table.stat().st_mtime_ns == times.st_mtime_ns
    assert fingerprint(str(data)) != before


def test_photographs_that_change_places_change_the_fingerprint(data: Path) -> None:
    one, other, aside = (data / name for name in ("1.jpg", "2.jpg", "aside"))
    for path in (one, other):
        path.write_text(path.name)
        os.utime(path, ns=(1, 1))
    before = fingerprint(str(data))
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    assert fingerprint(str(data)) != before


def test_a_folder_that_moves_as_a_whole_keeps_its_fingerprint(data: Path) -> None:
    (data / "again").symlink_to("train")
    (data / "photograph").symlink_to("train/own.csv")
    before = fingerprint(str(data))
    assert fingerprint(str(data.rename(data.parent / "moved"))) == before


@pytest.mark.parametrize("behind_a_link", [False, True])
def test_folders_without_an_end_are_refused(data: Path, outside: Path, behind_a_link: bool) -> None:
    (data / "images").symlink_to(outside)
    (outside if behind_a_link else data).joinpath(*["d"] * 90).mkdir(parents=True)
    assert fingerprint(str(data))
    (outside if behind_a_link else data).joinpath(*["d"] * 120).mkdir(parents=True)
    for look in (fingerprint, list_tree):
        with pytest.raises(DatasetError, match="folders are more than 100 deep, such as "):
            look(str(data))


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
