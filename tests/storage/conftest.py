from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from maskfold.storage import Workspace, open_workspace


@dataclass(frozen=True)
class Place:
    """A folder on either kind of storage, with direct write access that bypasses the workspace."""

    uri: str
    folder: Path | None = None
    bucket: str | None = None

    def workspace(self) -> Workspace:
        return open_workspace(self.uri)

    def put(self, name: str, content: bytes) -> None:
        """Write bytes without the workspace."""
        if self.folder is not None:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        else:
            key = f"{self.uri.removeprefix(f's3://{self.bucket}/')}/{name}"
            boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)


@pytest.fixture(autouse=True)
def maskfold_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate home for each test, and a short patience."""
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "0.5")
    return tmp_path / "home"


@pytest.fixture(params=["path", "file", pytest.param("s3", marks=pytest.mark.servers)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The same test on a local path, on file:// and on s3://."""
    if request.param == "s3":
        bucket = request.getfixturevalue("s3_bucket")
        return Place(f"s3://{bucket}/a prefix/läuft", bucket=bucket)
    folder = tmp_path / "a work space" / "läuft"
    return Place(str(folder) if request.param == "path" else folder.as_uri(), folder=folder)


@pytest.fixture
def workspace(place: Place) -> Workspace:
    return place.workspace()
