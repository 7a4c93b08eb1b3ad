from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.errors import DatasetError, UnavailableError
from maskfold.storage import fetch_tree, fingerprint, is_file, list_tree
from maskfold.storage.tree import _targets
from tests.storage.conftest import Place

PHOTOGRAPHS = {
    "train/train.csv": b"id,gender,race,age,path\n",
    "train/images/000001_male_Asian_20/mask1.jpg": b"\xff\xd8 1",
    "train/images/000001_male_Asian_20/büro 2.JPG": b"\xff\xd8 2",
    "eval/info.csv": b"ImageID,ans\n",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fill(place: Place) -> None:
    for name, content in PHOTOGRAPHS.items():
        place.put(name, content)


def test_a_tree_arrives_complete(place: Place) -> None:
    fill(place)
    folder = fetch_tree(place.uri, fingerprint(place.uri))
    assert contents(folder) == PHOTOGRAPHS
    if place.folder:
        assert folder == place.folder


def test_the_fingerprint_names_one_state(place: Place) -> None:
    fill(place)
    first = fingerprint(place.uri)
    assert fingerprint(place.uri + "/") == first
    place.put("train/train.csv", b"id,gender,race,age,path\n1,male,Asian,20,x\n")
    second = fingerprint(place.uri)
    place.put("eval/images/new.jpg", b"1")
    assert len({first, second, fingerprint(place.uri)}) == 3


def test_a_tree_is_listed_without_its_contents(place: Place) -> None:
    fill(place)
    assert list_tree(place.uri) == sorted(PHOTOGRAPHS)
    found = [is_file(f"{place.uri}/{name}") for name in ("eval/info.csv", "eval", "nothing.csv")]
    assert found == [True, False, False]


def test_a_missing_data_set_says_what_was_expected(place: Place) -> None:
    with pytest.raises(DatasetError, match=r"expected a folder with train/train\.csv"):
        fingerprint(place.uri)
    with pytest.raises(DatasetError, match=r"expected a folder with train/train\.csv"):
        fetch_tree(place.uri, "0")
    with pytest.raises(DatasetError, match=r"expected a folder with train/train\.csv"):
        list_tree(place.uri)


def test_a_file_is_not_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="this is a file"):
        fingerprint(str(tmp_path / "file"))


def s3_tree(bucket: str, objects: dict[str, bytes]) -> str:
    client = boto3.client("s3")
    for name, content in objects.items():
        client.put_object(Bucket=bucket, Key=f"data/{name}", Body=content)
    return f"s3://{bucket}/data"


def test_a_fetched_tree_is_not_fetched_again(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = s3_tree(s3_bucket, PHOTOGRAPHS)
    listing = fingerprint(uri)
    first = fetch_tree(uri, listing)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    assert fetch_tree(uri, listing) == first
    with pytest.raises(UnavailableError):
        fingerprint(uri)


def test_a_data_set_that_changed_is_rejected(s3_bucket: str) -> None:
    uri = s3_tree(s3_bucket, PHOTOGRAPHS)
    listing = fingerprint(uri)
    s3_tree(s3_bucket, {"eval/info.csv": b"other"})
    with pytest.raises(DatasetError, match="has changed since this run began"):
        fetch_tree(uri, listing)


def test_hostile_keys_never_leave_the_cache(
    s3_bucket: str, maskfold_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = {
        "a/../../../../../evil.txt": b"x",
        "b//evil.txt": b"x",
        "dir": b"file and folder at once",
        "dir/inside": b"1",
    }
    uri = s3_tree(s3_bucket, {**PHOTOGRAPHS, **hostile})
    before = {p for p in tmp_path.rglob("*") if not p.is_relative_to(maskfold_home)}
    folder = fetch_tree(uri, fingerprint(uri))
    assert contents(folder) == {**PHOTOGRAPHS, "dir/inside": b"1"}
    assert {p for p in tmp_path.rglob("*") if not p.is_relative_to(maskfold_home)} == before
    assert "3 object(s) left out" in caplog.text


@given(st.lists(st.text(alphabet=st.sampled_from("./a\\b\0é\ud800-"), min_size=1, max_size=8), unique=True, max_size=8))
def test_targets_are_below_the_folder_and_do_not_clash(names: list[str]) -> None:
    root = Path("/cache/files")
    targets = list(_targets(names, root).values())
    assert len(set(targets)) == len(targets)
    for target in targets:
        assert PurePosixPath(os.path.normpath(target)).is_relative_to(root)
        assert not any(other in target.parents for other in targets)


_FETCH = "import sys; from maskfold.storage import fetch_tree; fetch_tree(sys.argv[1], sys.argv[2])"


def test_a_killed_fetch_is_continued(s3_bucket: str, maskfold_home: Path) -> None:
    photographs = {f"train/images/{number:03}.jpg": os.urandom(200_000) for number in range(60)}
    uri = s3_tree(s3_bucket, photographs)
    listing = fingerprint(uri)
    process = subprocess.Popen([sys.executable, "-c", _FETCH, uri, listing])
    trees = maskfold_home / "cache/trees"
    deadline = time.monotonic() + 20
    while len(list(trees.rglob("*.jpg"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    there = {path: path.stat().st_mtime_ns for path in trees.rglob("*.jpg")}
    assert 5 <= len(there) < len(photographs), "the kill came too late to interrupt the fetch"
    assert not list(trees.rglob("complete"))
    folder = fetch_tree(uri, listing)
    assert contents(folder) == photographs
    assert {path: path.stat().st_mtime_ns for path in there} == there
