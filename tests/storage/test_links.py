"""A workspace that others wrote: no link and no stated path leads to the user's own files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from maskfold.errors import CorruptDataError, WeightsError, WorkspaceError
from maskfold.specs import File
from maskfold.storage import Workspace, adopt, check_tensor_file, link_out, open_workspace, read_uri
from maskfold.storage.cache import cached_file

CHECKPOINT = "train_fold/0123456789abcdef/checkpoint"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The user's own files, outside the workspace."""
    folder = tmp_path / "home of the user"
    (folder / "deep").mkdir(parents=True)
    for name in ("thesis.txt", "deep/photo.jpg", "00001-00000002.json"):
        (folder / name).write_text("precious")
    return folder


@pytest.fixture
def shared(tmp_path: Path) -> Workspace:
    (tmp_path / "w").mkdir()
    return open_workspace(str(tmp_path / "w"))


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put_link(workspace: Workspace, address: str, target: Path) -> None:
    link = Path(workspace.locate(address))
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


@pytest.mark.parametrize("address", [CHECKPOINT, "train_fold/0123456789abcdef", "train_fold"])
def test_no_access_through_a_linked_folder(shared: Workspace, own: Path, address: str, tmp_path: Path) -> None:
    put_link(shared, address, own)
    before = content_of(own)
    source = tmp_path / "source"
    source.write_bytes(b"new")
    there = f"{address}/thesis.txt"
    for access in (
        lambda: shared.list(address),
        lambda: shared.read(there),
        lambda: shared.size_of(there),
        lambda: shared.write(there, b"x"),
        lambda: shared.write(f"{address}/new/file", b"x"),
        lambda: shared.publish(source, there),
        lambda: shared.fetch(File(path=there, sha256="0" * 64, size=8)),
        lambda: shared.delete(there),
    ):
        with pytest.raises(WorkspaceError, match=r"a link leads out of the workspace, to .*home of the user"):
            access()
    assert content_of(own) == before


def test_a_linked_file_is_neither_read_nor_overwritten(shared: Workspace, own: Path) -> None:
    put_link(shared, "submissions/latest.csv", own / "thesis.txt")
    put_link(shared, "submissions/new.csv", own / "not there yet.txt")
    for access in (lambda: shared.read("submissions/latest.csv"), lambda: shared.write("submissions/latest.csv", b"x")):
        with pytest.raises(WorkspaceError, match="leads out"):
            access()
    with pytest.raises(WorkspaceError, match="leads out"):
        shared.write("submissions/new.csv", b"x")
    assert not (own / "not there yet.txt").exists()


def test_deleting_a_link_leaves_its_target(shared: Workspace, own: Path) -> None:
    put_link(shared, "runs/x/note.json", own / "thesis.txt")
    shared.delete("runs/x/note.json")
    assert shared.list("runs") == []
    assert (own / "thesis.txt").read_text() == "precious"


def test_links_within_the_workspace_and_to_it_work(shared: Workspace, tmp_path: Path) -> None:
    shared.write("crop/a/faces.npy", b"1")
    put_link(shared, "crop/b", Path(shared.locate("crop/a")))
    assert shared.read("crop/b/faces.npy") == b"1"
    (tmp_path / "short").symlink_to(tmp_path / "w")
    assert open_workspace(str(tmp_path / "short")).read("crop/a/faces.npy") == b"1"


def test_what_no_writer_began_is_never_swept(shared: Workspace) -> None:
    folder = Path(shared.locate("a"))
    folder.mkdir()
    ours, theirs = folder / f".aside-{'0' * 32}", folder / ".aside-notes"
    for path in (ours, theirs):
        path.write_text("x")
        os.utime(path, (0, 0))
    shared.write("a/b", b"1")
    assert not ours.exists()
    assert theirs.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "../../../x"},
        {"sha256": "0" * 63},
        {"sha256": "0" * 64 + "\n"},
        {"sha256": "A" * 64},
        {"path": "../x"},
        {"path": "/etc/passwd"},
        {"path": "a//b"},
        {"size": -1},
    ],
)
def test_a_file_of_an_outcome_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        File.model_validate({"path": "a/b", "sha256": "0" * 64, "size": 1, **wrong})


@pytest.mark.parametrize(("sha256", "name"), [("../../../x", "f"), ("0" * 64, "../f"), ("0" * 64, "a/b"), ("", "f")])
def test_the_cache_deletes_nothing_for_a_forged_checksum(sha256: str, name: str, own: Path) -> None:
    aside = own / f".aside-{'0' * 32}"
    aside.write_text("precious")

    def download(path: Path) -> None:
        raise AssertionError("must not start")

    with pytest.raises(CorruptDataError, match="is not a sha256, or"):
        cached_file(sha256, name, "s3://b/k", download)
    assert aside.exists()


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_has_no_end_is_refused_at_once(kind: str, shared: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "recipe.csv"
    if kind == "pipe":
        os.mkfifo(source)
        os.mkfifo(Path(shared.locate("outcome.json")))
    else:
        source.symlink_to("/dev/zero")
    with pytest.raises(WorkspaceError, match="not an ordinary file"):
        read_uri(source)
    with pytest.raises(WorkspaceError, match="no such file"):
        adopt(shared, source, lambda path: None)
    if kind == "pipe":
        with pytest.raises(WorkspaceError, match="not an ordinary file"):
            shared.read("outcome.json")


def test_sizes_are_limited(tmp_path: Path) -> None:
    (tmp_path / "sidecar.json").write_bytes(b" " * 101)
    assert len(read_uri(tmp_path / "sidecar.json", 101)) == 101
    with pytest.raises(WorkspaceError, match="more than 100 bytes"):
        read_uri(tmp_path / "sidecar.json", 100)


def test_nothing_is_stored_before_it_is_checked(shared: Workspace, tmp_path: Path) -> None:
    key = tmp_path / "resnet18.safetensors"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n")
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        adopt(shared, key, lambda path: check_tensor_file(path, str(key)))
    assert shared.list() == []


def test_a_link_out_of_its_folder_is_known(tmp_path: Path, own: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "inside").symlink_to("a")
    (folder / "outside").symlink_to(own / "thesis.txt")
    (folder / "up").symlink_to("../home of the user/thesis.txt")
    assert [link_out(folder / name) for name in ("a", "inside")] == [None, None]
    assert [link_out(folder / name) for name in ("outside", "up")] == [str(own / "thesis.txt")] * 2
