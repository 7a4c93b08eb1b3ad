"""A file with its checksum beside it, also when several write it at once."""

import hashlib
import threading

import pytest

from maskfold.storage import Workspace, checksum_line, write_with_checksum
from tests.storage.conftest import Place

LATEST = "submissions/latest.csv"


def fits(workspace: Workspace) -> bool:
    content, line = workspace.read(LATEST), workspace.read(f"{LATEST}.sha256")
    return content is not None and line == checksum_line(content, "latest.csv")


def test_the_line_is_sha256sums() -> None:
    line = checksum_line(b"content", "latest.csv")
    assert line == f"{hashlib.sha256(b'content').hexdigest()}  latest.csv\n".encode()


def test_it_is_written_and_replaced(place: Place) -> None:
    for content in (b"first", b"second", b"second"):
        file = write_with_checksum(place.workspace(), LATEST, content)
        assert place.workspace().read(LATEST) == content
        assert (file.path, file.sha256) == (LATEST, hashlib.sha256(content).hexdigest())
        assert fits(place.workspace())


def test_the_end_of_two_runs_at_once_leaves_one_of_both_with_its_checksum(place: Place) -> None:
    contents = [f"run {number}".encode() * 100 for number in range(2)]
    for _ in range(5):
        begin = threading.Barrier(len(contents))

        def end(content: bytes, begin: threading.Barrier = begin) -> None:
            workspace = place.workspace()
            begin.wait()
            write_with_checksum(workspace, LATEST, content)

        threads = [threading.Thread(target=end, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert place.workspace().read(LATEST) in contents
        assert fits(place.workspace())


def test_a_write_that_came_between_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run writes its checksum between our two writes, and is killed there."""
    between = [checksum_line(b"theirs", "latest.csv"), checksum_line(b"theirs", "latest.csv")]
    write = Workspace.write

    def interrupted(self: Workspace, address: str, content: bytes) -> object:
        if address == LATEST and between:
            write(self, f"{LATEST}.sha256", between.pop())
        return write(self, address, content)

    monkeypatch.setattr(Workspace, "write", interrupted)
    write_with_checksum(place.workspace(), LATEST, b"ours")
    assert not between
    assert place.workspace().read(LATEST) == b"ours"
    assert fits(place.workspace())
