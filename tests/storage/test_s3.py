"""Errors of S3 servers, on a real server."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import boto3
import pytest

from maskfold.errors import CorruptDataError, UnavailableError, WorkspaceError
from maskfold.storage import open_workspace
from tests.servers.ports import free_ports
from tests.servers.s3 import S3Server


def test_a_missing_bucket(s3_bucket: str) -> None:
    with pytest.raises(WorkspaceError, match=r"no-such-bucket.*does not exist.*create it") as caught:
        open_workspace("s3://no-such-bucket/w")
    assert caught.value.exit_code == 2


def test_a_wrong_secret(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(WorkspaceError, match=r"credentials are wrong.*AWS_SECRET_ACCESS_KEY"):
        open_workspace(f"s3://{s3_bucket}/w")


def test_an_unknown_user(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown:user")
    with pytest.raises(WorkspaceError, match="credentials"):
        open_workspace(f"s3://{s3_bucket}/w")


def test_no_credentials(s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(WorkspaceError, match="no usable S3 credentials"):
        open_workspace(f"s3://{s3_bucket}/w")


@pytest.mark.parametrize(("variable", "value"), [("AWS_PROFILE", "no-such-profile"), ("AWS_ENDPOINT_URL_S3", "::")])
def test_unusable_settings(s3_bucket: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WorkspaceError, match=variable):
        open_workspace(f"s3://{s3_bucket}/w")


def test_no_server_listens(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    with pytest.raises(UnavailableError, match=endpoint) as caught:
        open_workspace(f"s3://{s3_bucket}/w")
    assert caught.value.exit_code == 75


def test_a_server_that_hangs_up(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def hang_up() -> None:
            listener.settimeout(0.1)
            while not done.is_set():
                try:
                    listener.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            with pytest.raises(UnavailableError):
                open_workspace(f"s3://{s3_bucket}/w")
        finally:
            done.set()
            thread.join()


@pytest.mark.slow
def test_a_server_that_accepts_and_never_answers(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(UnavailableError, match="cannot be reached"):
            open_workspace(f"s3://{s3_bucket}/w")


def test_patience_is_a_number(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "long")
    with pytest.raises(WorkspaceError, match="expected a number of seconds"):
        open_workspace(f"s3://{s3_bucket}/w")


def test_a_server_that_comes_back_is_waited_for(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "30")
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    workspace.write("a", b"before")
    s3_server.stop()
    back = threading.Timer(1.5, s3_server.start)
    back.start()
    began = time.monotonic()
    try:
        workspace.write("b", b"after")
    finally:
        back.join()
    assert time.monotonic() - began > 1.4
    assert (workspace.read("a"), workspace.read("b")) == (b"before", b"after")


def test_a_damaged_cached_copy_is_fetched_again(s3_bucket: str, tmp_path: Path) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("a/b.npy", b"content")
    cached = workspace.fetch(file)
    cached.write_bytes(b"damage!")
    assert workspace.fetch(file) == cached
    assert cached.read_bytes() == b"content"


def test_a_cached_copy_needs_no_server(s3_bucket: str, s3_server: S3Server) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("a/b.npy", b"content")
    workspace.fetch(file)
    boto3.client("s3").delete_object(Bucket=s3_bucket, Key="w/a/b.npy")
    assert workspace.fetch(file).read_bytes() == b"content"


def test_a_partial_download_is_never_taken_for_a_complete_one(s3_bucket: str, maskfold_home: Path) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("a/b.npy", b"content")
    folder = maskfold_home / "cache/files" / file.sha256
    folder.mkdir(parents=True)
    (folder / ".aside-dead").write_bytes(b"cont")
    assert workspace.fetch(file).read_bytes() == b"content"
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "b.npy"]


def test_small_reads_are_verified(s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("outcome.json", b"{}")
    boto3.client("s3").put_object(Bucket=s3_bucket, Key="w/outcome.json", Body=b"[]", Metadata={"sha256": file.sha256})
    with pytest.raises(CorruptDataError, match=r"w/outcome\.json"):
        workspace.read("outcome.json")


def test_more_objects_than_one_page(s3_bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}")
    names = [f"n{number:02}" for number in range(7)]
    for name in names:
        workspace.write(name, b"")
    backend = workspace._backend
    request = backend._client.list_objects_v2  # type: ignore[attr-defined]
    monkeypatch.setattr(backend._client, "list_objects_v2", lambda **settings: request(MaxKeys=2, **settings))  # type: ignore[attr-defined]
    assert workspace.list() == names
