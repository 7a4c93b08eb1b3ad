"""The same guarantees on a local path, file:// and s3://."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.errors import CorruptDataError, InputError, MaskfoldError, WorkspaceError
from maskfold.specs import File
from maskfold.storage import Workspace, open_existing, open_workspace
from maskfold.storage.location import check_address
from tests.storage.conftest import Place


def make_file(path: Path, size: int, seed: int = 0) -> Path:
    path.write_bytes(bytes([seed]) + os.urandom(size - 1))
    return path


def test_what_is_written_is_read(workspace: Workspace) -> None:
    file = workspace.write("stage/key/outcome.json", b"{}")
    assert workspace.read("stage/key/outcome.json") == b"{}"
    assert file == File(path="stage/key/outcome.json", sha256=hashlib.sha256(b"{}").hexdigest(), size=2)


def test_a_missing_file_reads_as_none(workspace: Workspace) -> None:
    assert workspace.read("stage/none") is None
    assert workspace.size_of("stage/none") is None


def test_a_folder_is_not_a_file(workspace: Workspace) -> None:
    workspace.write("stage/key/a", b"1")
    assert workspace.read("stage/key") is None
    assert workspace.size_of("stage/key") is None


def test_the_last_write_counts(workspace: Workspace) -> None:
    workspace.write("a", b"old")
    workspace.write("a", b"new")
    assert workspace.read("a") == b"new"


def test_what_is_published_is_fetched(workspace: Workspace, tmp_path: Path) -> None:
    source = make_file(tmp_path / "source", 100_000)
    file = workspace.publish(source, "train_fold/k/Größe 1.npy")
    fetched = workspace.fetch(file)
    assert fetched.read_bytes() == source.read_bytes()
    assert fetched.suffix == ".npy"
    assert file.size == 100_000
    assert workspace.size_of(file.path) == 100_000


def test_a_file_of_many_parts_survives(workspace: Workspace, tmp_path: Path) -> None:
    source = make_file(tmp_path / "large", 40 << 20)
    file = workspace.publish(source, "crop/faces.npy")
    with workspace.fetch(file).open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def test_published_locally_is_fetched_in_place(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "w"))
    file = workspace.publish(make_file(tmp_path / "source", 10), "a/b")
    assert workspace.fetch(file) == tmp_path / "w/a/b"


def test_publishing_survives_that_somebody_else_deletes(tmp_path: Path) -> None:
    """Two runs that do the same training delete each other's past checkpoints."""
    workspace, source, ended = (
        open_workspace(str(tmp_path / "w")),
        make_file(tmp_path / "source", 100),
        threading.Event(),
    )

    def delete() -> None:
        while not ended.is_set():
            workspace.delete("a/file")

    other = threading.Thread(target=delete)
    other.start()
    try:
        published = [workspace.publish(source, "a/file") for _ in range(200)]
    finally:
        ended.set()
        other.join()
    assert {file.sha256 for file in published} == {hashlib.sha256(source.read_bytes()).hexdigest()}


def test_list_is_sorted_recursive_and_bound_to_the_folder(workspace: Workspace) -> None:
    names = ["b/2", "b/1", "a/x/y", "b2/1", "c"]
    for name in names:
        workspace.write(name, b"")
    assert workspace.list() == sorted(names)
    assert workspace.list("b") == ["b/1", "b/2"]
    assert workspace.list("b/") == ["b/1", "b/2"]
    assert workspace.list("none") == []


def test_delete(workspace: Workspace) -> None:
    workspace.write("a/b", b"1")
    workspace.delete("a/b")
    workspace.delete("a/b")
    assert workspace.read("a/b") is None
    assert workspace.list() == []


def test_locate_names_something_that_opens(workspace: Workspace) -> None:
    workspace.write("a/b c.txt", b"1")
    assert open_workspace(workspace.locate("a")).read("b c.txt") == b"1"


@pytest.mark.parametrize("address", ["../x", "a/../../x", "/etc/passwd", "", "a//b", "a/./b", "a\0b", "a" * 300])
def test_addresses_stay_below_the_workspace(workspace: Workspace, address: str) -> None:
    with pytest.raises(WorkspaceError, match="below the workspace"):
        workspace.write(address, b"")
    with pytest.raises(WorkspaceError, match="below the workspace"):
        workspace.fetch(File.model_construct(path=address, sha256="0" * 64, size=1))


@given(st.text())
def test_every_accepted_address_stays_below(address: str) -> None:
    try:
        check_address(address)
    except WorkspaceError:
        return
    root = Path("/root/of/workspace")
    resolved = Path(os.path.normpath(root / address))
    assert resolved.is_relative_to(root)
    assert resolved != root


def test_a_tampered_file_is_rejected(place: Place, workspace: Workspace, tmp_path: Path) -> None:
    file = workspace.publish(make_file(tmp_path / "source", 5000), "crop/k/faces.npy")
    other = make_file(tmp_path / "other", 5000, seed=1).read_bytes()
    place.put("crop/k/faces.npy", other)
    with pytest.raises(CorruptDataError) as caught:
        workspace.fetch(file)
    message = str(caught.value)
    assert workspace.locate("crop/k/faces.npy") in message
    assert file.sha256 in message
    assert hashlib.sha256(other).hexdigest() in message


def test_a_large_tampered_file_is_rejected_even_with_its_old_date(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "w"))
    file = workspace.publish(make_file(tmp_path / "source", 17 << 20), "a")
    published = workspace.fetch(file)
    times = published.stat()
    with published.open("r+b") as stream:
        stream.write(b"tampered")
    os.utime(published, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(CorruptDataError):
        workspace.fetch(file)


def test_a_large_verified_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(str(tmp_path / "w"))
    file = workspace.publish(make_file(tmp_path / "source", 17 << 20), "a")
    # The new home has no cached checksum, so the first fetch reads the file; the second must not.
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "other home"))
    workspace.fetch(file)

    def refuse(*args: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    assert workspace.fetch(file) == tmp_path / "w/a"


def test_a_missing_published_file_is_corrupt_data(workspace: Workspace) -> None:
    file = workspace.write("a/b", b"1")
    workspace.delete("a/b")
    with pytest.raises(CorruptDataError, match="missing"):
        workspace.fetch(file)


_PUBLISH_FOREVER = """
import sys
from pathlib import Path
from maskfold.storage import open_workspace
workspace = open_workspace(sys.argv[1])
print("ready", flush=True)
while True:
    workspace.publish(Path(sys.argv[2]), "crop/k/faces.npy")
    print("published", flush=True)
"""


def test_kill_in_the_middle_of_a_publish_leaves_the_old_file(place: Place, tmp_path: Path) -> None:
    workspace = place.workspace()
    old = workspace.publish(make_file(tmp_path / "old", 1000), "crop/k/faces.npy")
    new = make_file(tmp_path / "new", 96 << 20)
    process = subprocess.Popen(
        [sys.executable, "-c", _PUBLISH_FOREVER, place.uri, str(new)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.03 if place.folder else 0.25)
        process.send_signal(signal.SIGKILL)
        published = "published" in process.stdout.read()
    process.wait()
    assert not published, "the file was too small: the kill came after its publication"
    assert workspace.list() == ["crop/k/faces.npy"]
    assert workspace.fetch(old).read_bytes() == (tmp_path / "old").read_bytes()
    again = workspace.publish(new, "crop/k/faces.npy")
    assert workspace.fetch(again).stat().st_size == 96 << 20


def _fetch(uri: str, file: File, queue: multiprocessing.Queue[str]) -> None:
    queue.put(hashlib.sha256(open_workspace(uri).fetch(file).read_bytes()).hexdigest())


def test_processes_fetch_the_same_file_at_the_same_time(place: Place, tmp_path: Path) -> None:
    file = place.workspace().publish(make_file(tmp_path / "source", 3 << 20), "a/b.npy")
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    processes = [context.Process(target=_fetch, args=(place.uri, file, queue)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [queue.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    queue.close()
    queue.join_thread()
    assert found == [file.sha256] * 4


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "empty"),
        ("s3://", "not a bucket's name"),
        ("s3:///key", "not a bucket's name"),
        ("s3://bad bucket/x", "not a bucket's name"),
        ("gs://bucket/x", "gs:// is not supported"),
        ("https://host/x", "https:// is not supported"),
        ("file://relative/path", "three slashes"),
    ],
)
def test_malformed_uris(uri: str, message: str) -> None:
    with pytest.raises(WorkspaceError, match=message):
        open_workspace(uri)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="is a file, not a folder"):
        open_workspace(str(tmp_path / "file" / "w"))


def test_a_folder_that_denies_writes_is_named() -> None:
    workspace = Workspace("/proc/maskfold")  # denies even root
    with pytest.raises(InputError, match="cannot write /proc/maskfold/a"):
        workspace.write("a", b"")


@pytest.mark.parametrize(
    ("number", "kind", "exit_code"), [(errno.ENOSPC, "disk is full", 1), (errno.EROFS, "permission", 2)]
)
def test_disk_errors_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str, exit_code: int
) -> None:
    workspace = open_workspace(str(tmp_path / "w"))

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MaskfoldError, match=kind) as caught:
        workspace.write("a", b"1")
    assert caught.value.exit_code == exit_code
    assert workspace.read("a") is None
    assert list((tmp_path / "w").iterdir()) == []


def test_a_day_old_temporary_file_is_removed(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path / "w"))
    workspace.write("a/b", b"1")
    left = tmp_path / "w/a/.aside-0"
    left.write_bytes(b"half")
    workspace.write("a/b", b"2")
    assert left.exists(), "a recent one may belong to a running writer"
    os.utime(left, (0, 0))
    workspace.write("a/b", b"3")
    assert not left.exists()


def test_files_get_the_modes_that_the_user_asked_for(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        workspace = open_workspace(str(tmp_path / "w"))
        workspace.write("a", b"1")
        workspace.publish(make_file(tmp_path / "source", 10), "b")
    finally:
        os.umask(old)
    assert [(tmp_path / "w" / name).stat().st_mode & 0o777 for name in "ab"] == [0o640, 0o640]


def test_the_cache_can_be_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", "/proc/maskfold")
    workspace = open_workspace(str(tmp_path / "w"))
    file = workspace.publish(make_file(tmp_path / "source", 17 << 20), "a")
    assert workspace.fetch(file).exists()
    shutil.rmtree(tmp_path / "w")


def test_a_workspace_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no such folder"):
        open_existing(str(tmp_path / "w"))
    assert not (tmp_path / "w").exists()
