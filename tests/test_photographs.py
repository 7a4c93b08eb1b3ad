"""Photographs that a user names, wherever and however."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest

from maskfold.errors import DatasetError, InputError
from maskfold.photographs import MISSING, find_photographs, source_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.jpg", "a/1.PNG", "a/10.jpg", "c.webp", "notes.txt", ".hidden.jpg", "b/Thumbs.db"):
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photographs"


def test_a_folder_is_listed_in_one_order_and_says_what_it_leaves_out(folder: Path) -> None:
    found = find_photographs(str(folder))
    others: list[str] = []
    names = [one.name for one in found.listed(others)]
    assert names == ["c.webp", "a/1.PNG", "a/10.jpg", "b/2.jpg"]
    assert others == ["notes.txt"]
    assert [one.name for one in found] == names
    assert not found.may_repeat
    one = next(iter(found))
    assert source_of(found.root, one) == folder / "c.webp"


def test_a_changed_file_has_another_state(folder: Path) -> None:
    before = {one.name: one.state for one in find_photographs(str(folder))}
    (folder / "c.webp").write_bytes(b"other")
    after = {one.name: one.state for one in find_photographs(str(folder))}
    assert {name for name in before if before[name] != after[name]} == {"c.webp"}


def test_a_link_out_of_the_folder_is_kept_with_the_reason(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "d.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "e.jpg").symlink_to(folder / "c.webp")
    (folder / "loop").symlink_to(folder)
    others: list[str] = []
    found = {one.name: one for one in find_photographs(str(folder)).listed(others)}
    assert "leads out" in found["d.jpg"].problem
    with pytest.raises(DatasetError, match="leads out"):
        source_of(str(folder), found["d.jpg"])
    assert not found["e.jpg"].problem
    assert "loop" in others


def test_a_table_keeps_its_order_and_its_spelling(folder: Path) -> None:
    table = folder / "list.csv"
    table.write_text(
        f"who,Path\nx,./b/2.jpg\ny,c.webp\nz,gone.jpg\nw,{folder / 'a/10.jpg'}\nv,c.webp\n", encoding="utf-8"
    )
    found = find_photographs(str(table))
    listed = list(found)
    assert [one.name for one in listed] == ["./b/2.jpg", "c.webp", "gone.jpg", str(folder / "a/10.jpg"), "c.webp"]
    assert [bool(one.state) for one in listed] == [True, True, False, True, True]
    assert source_of(found.root, listed[0]) == folder / "b/2.jpg"
    assert found.may_repeat


def test_one_photograph(folder: Path) -> None:
    found = find_photographs(str(folder / "notes.txt"))
    assert [one.name for one in found] == ["notes.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "none of the columns path and image; it has a, b"),
        ("path\n", "has no row"),
        ("path,b\nx.jpg,1\n,2\n", "line 3: the column path is blank"),
    ],
)
def test_a_table_without_usable_rows(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        find_photographs(str(tmp_path / "list.csv"))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no photograph"):
        find_photographs(str(tmp_path))
    with pytest.raises(InputError, match="no such file or folder"):
        find_photographs(str(tmp_path / "nowhere"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights(folder: Path) -> None:
    folder.chmod(0)
    try:
        with pytest.raises(InputError, match="grant the right"):
            find_photographs(str(folder))
    finally:
        folder.chmod(0o700)


def test_on_s3(s3_bucket: str) -> None:
    client = boto3.client("s3")
    for name in ("in/2.jpg", "in/a/1.jpg", "in/read.me", "in/list.csv", "elsewhere.jpg"):
        client.put_object(Bucket=s3_bucket, Key=f"photographs/{name}", Body=name.encode())
    table = f"image\n2.jpg\ngone.jpg\n../elsewhere.jpg\n/etc/hostname\ns3://{s3_bucket}/photographs/elsewhere.jpg\n"
    client.put_object(Bucket=s3_bucket, Key="photographs/in/list.csv", Body=table.encode())
    others: list[str] = []
    found = find_photographs(f"s3://{s3_bucket}/photographs/in")
    listed = list(found.listed(others))
    assert [one.name for one in listed] == ["2.jpg", "a/1.jpg"]
    assert sorted(others) == ["list.csv", "read.me"]
    assert source_of(found.root, listed[1]) == b"in/a/1.jpg"
    client.delete_object(Bucket=s3_bucket, Key="photographs/in/a/1.jpg")
    with pytest.raises(DatasetError, match=MISSING):
        source_of(found.root, listed[1])

    rows = find_photographs(f"s3://{s3_bucket}/photographs/in/list.csv")
    by_table = list(rows)
    assert [bool(one.state) for one in by_table] == [True, False, False, False, True]
    assert ["below the table's folder" in one.problem for one in by_table] == [False, False, True, True, False]
    assert source_of(rows.root, by_table[4]) == b"elsewhere.jpg"
    with pytest.raises(InputError, match="there is no photograph"):
        find_photographs(f"s3://{s3_bucket}/nothing/here")
