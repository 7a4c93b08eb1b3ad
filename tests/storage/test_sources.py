from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from maskfold.errors import InputError, WorkspaceError
from maskfold.home import home
from maskfold.storage import Workspace, adopt, exists, list_folder, read_uri
from tests.storage.conftest import Place


def anything(path: Path) -> None:
    """Accept any content."""
    assert path.is_file()


def test_read_uri(place: Place) -> None:
    place.put("inputs list/corrections.csv", b"folder\n")
    assert read_uri(f"{place.uri}/inputs list/corrections.csv") == b"folder\n"


def test_read_uri_names_what_is_missing(place: Place) -> None:
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        read_uri(f"{place.uri}/none.csv")
    place.put("folder/file", b"")
    with pytest.raises(InputError, match="there is no such file"):
        read_uri(f"{place.uri}/folder")


def test_exists(place: Place) -> None:
    place.put("weights/resnet18.safetensors", b"1")
    assert exists(f"{place.uri}/weights/resnet18.safetensors")
    assert exists(f"{place.uri}/weights")
    assert exists(f"{place.uri}/weights/")
    assert not exists(f"{place.uri}/weights/resnet18")
    assert not exists(f"{place.uri}/none")


def test_list_folder_names_its_own_files_only(place: Place) -> None:
    for name in ("w/b.json", "w/a.safetensors", "w/deeper/c.json", "w2/d.json"):
        place.put(name, b"1")
    assert list_folder(f"{place.uri}/w") == ["a.safetensors", "b.json"]
    assert list_folder(place.uri) == []
    with pytest.raises(WorkspaceError, match="none"):
        list_folder(f"{place.uri}/none")


@pytest.mark.parametrize("kind", ["path", "s3"])
def test_adopt_copies_once(
    workspace: Workspace, kind: str, tmp_path: Path, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"weights"
    if kind == "path":
        source = tmp_path / "my weights.safetensors"
        source.write_bytes(content)
        uri = str(source)
    else:
        boto3.client("s3").put_object(Bucket=s3_bucket, Key="pool/my weights.safetensors", Body=content)
        uri = f"s3://{s3_bucket}/pool/my weights.safetensors"
    file = adopt(workspace, uri, anything)
    sha256 = hashlib.sha256(content).hexdigest()
    assert (file.path, file.sha256, file.size) == (f"inputs/{sha256}/my weights.safetensors", sha256, len(content))
    assert workspace.fetch(file).read_bytes() == content

    def refuse(*arguments: object) -> None:
        raise AssertionError("copied twice")

    monkeypatch.setattr(Workspace, "publish", refuse)
    assert adopt(workspace, uri, anything) == file


def test_adopt_takes_the_new_content_of_a_changed_object(workspace: Workspace, s3_bucket: str) -> None:
    client = boto3.client("s3")
    uri = f"s3://{s3_bucket}/w.json"
    client.put_object(Bucket=s3_bucket, Key="w.json", Body=b"old")
    old = adopt(workspace, uri, anything)
    client.put_object(Bucket=s3_bucket, Key="w.json", Body=b"new")
    new = adopt(workspace, uri, anything)
    assert old.sha256 != new.sha256
    assert workspace.fetch(new).read_bytes() == b"new"


def test_adopt_names_what_is_missing(workspace: Workspace, tmp_path: Path, s3_bucket: str) -> None:
    with pytest.raises(WorkspaceError, match="no such file"):
        adopt(workspace, tmp_path / "none", anything)
    with pytest.raises(WorkspaceError, match="no such file"):
        adopt(workspace, tmp_path, anything)
    with pytest.raises(WorkspaceError, match="no such file"):
        adopt(workspace, f"s3://{s3_bucket}/none", anything)


def test_home_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "x"))
    assert home() == tmp_path / "x"
    monkeypatch.delenv("MASKFOLD_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".maskfold"


def test_opening_a_local_workspace_needs_no_boto3(tmp_path: Path) -> None:
    code = (
        "import sys; from maskfold.storage import open_workspace; open_workspace(sys.argv[1]); "
        "sys.exit('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == 0
