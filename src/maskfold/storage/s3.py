"""A workspace on S3 or a compatible server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import IncompleteReadError

from maskfold.errors import CorruptDataError
from maskfold.regular import MAX_READ, within
from maskfold.specs import File
from maskfold.storage.cache import cached_file
from maskfold.storage.checksum import sha256_of
from maskfold.storage.faults import disk_faults
from maskfold.storage.location import S3Key
from maskfold.storage.s3_client import THREADS, AbsentError, answered_by_s3, connect

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ListObjectsV2RequestTypeDef

_MIB = 1 << 20
# S3 accepts at most 10,000 parts, so parts of 16 MiB reach 156 GiB; beyond that s3transfer enlarges them.
_TRANSFER = TransferConfig(multipart_threshold=32 * _MIB, multipart_chunksize=16 * _MIB, max_concurrency=THREADS)
_READS = 3
"""Times that an object is read before it counts as damaged, and not as damaged on the way."""
_SHA256 = "sha256"
"""Key of the object metadata that holds the checksum of the whole object, independent of its parts."""


@dataclass(frozen=True)
class ListedObject:
    """One object of a listing."""

    key: str
    size: int
    etag: str


class S3Backend:
    """Objects below one prefix of a bucket."""

    def __init__(self, location: S3Key) -> None:
        self.location = location
        self.uri = str(location)
        connection = connect()
        self._client, self._call = connection.client, connection.call

    def check(self) -> None:
        """Check that the bucket exists and these credentials can list it."""
        bucket, prefix = self.location.bucket, self.location.key
        request = self._client.list_objects_v2

        def ask() -> None:
            answered_by_s3(request(Bucket=bucket, Prefix=prefix, MaxKeys=1), "Name")

        self._call(f"open {self.uri}", ask)

    def read(self, address: str, limit: int = MAX_READ) -> bytes | None:
        """Return an object's bytes, or None if there is no such object.

        Raises:
            CorruptDataError: If the object's metadata hold another checksum.
            WorkspaceError: If it has more bytes than the limit.
        """
        where = self.location.child(address)

        def request() -> tuple[bytes, str | None]:
            answer = self._client.get_object(Bucket=where.bucket, Key=where.key)
            # Only a read without a limit notices that the body was cut.
            most = limit + 1 if answer["ContentLength"] > limit else None
            return answer["Body"].read(most), answer["Metadata"].get(_SHA256)

        for _ in range(_READS):
            try:
                content, expected = self._call(f"read {where}", request)
            except AbsentError:
                return None
            within(content, limit, str(where))
            found = hashlib.sha256(content).hexdigest()
            if expected in (None, found):
                return content
        raise CorruptDataError(f"{where}: expected sha256 {expected}, found {found}; delete it and run again")

    def write(self, address: str, content: bytes) -> File:
        """Publish bytes; S3 objects are visible only when complete."""
        where = self.location.child(address)
        sha256 = hashlib.sha256(content).hexdigest()
        request = self._client.put_object

        def put() -> None:
            answer = request(Bucket=where.bucket, Key=where.key, Body=content, Metadata={_SHA256: sha256})
            answered_by_s3(answer, "ETag")

        self._call(f"write {where}", put)
        return File(path=address, sha256=sha256, size=len(content))

    def publish(self, source: Path, address: str) -> File:
        """Publish a local file, in parallel parts if it is large; S3 objects are visible only when complete."""
        where = self.location.child(address)
        sha256 = sha256_of(source)

        def request() -> None:
            with source.open("rb") as stream:
                self._client.upload_fileobj(
                    stream, where.bucket, where.key, ExtraArgs={"Metadata": {_SHA256: sha256}}, Config=_TRANSFER
                )

        self._call(f"write {where}", request)
        return File(path=address, sha256=sha256, size=source.stat().st_size)

    def fetch(self, file: File) -> Path:
        """Return a verified copy in the cache.

        Raises:
            CorruptDataError: If the object is missing or is not the one that was published.
        """
        where = self.location.child(file.path)
        try:
            return cached_file(file.sha256, where.name, str(where), lambda path: self.download(file.path, path))
        except AbsentError:
            raise CorruptDataError(
                f"{where}: the object is missing; expected sha256 {file.sha256} ({file.size} bytes). "
                f"Delete the folder {str(where).rpartition('/')[0]} and run again to recreate it"
            ) from None

    def download(self, address: str, path: Path) -> None:
        """Download an object to a local path, in parallel parts if it is large.

        Raises:
            AbsentError: If there is no such object.
        """
        where = self.location.child(address)

        def request() -> None:
            with path.open("wb") as stream:
                self._client.download_fileobj(where.bucket, where.key, stream, Config=_TRANSFER)

        with disk_faults(f"write {path}"):
            self._call(f"read {where}", request)

    def download_listed(self, listed: ListedObject, path: Path) -> None:
        """Download an object of a listing, in the state that was listed.

        Raises:
            AbsentError: If it no longer exists.
            ChangedError: If it was overwritten since.
        """

        def request() -> None:
            answer = self._client.get_object(Bucket=self.location.bucket, Key=listed.key, IfMatch=listed.etag)
            with path.open("wb") as stream:
                for chunk in answer["Body"].iter_chunks(_MIB):
                    stream.write(chunk)
                if stream.tell() != listed.size:
                    raise IncompleteReadError(actual_bytes=stream.tell(), expected_bytes=listed.size)

        with disk_faults(f"write {path}"):
            self._call(f"read s3://{self.location.bucket}/{listed.key}", request)

    def head(self, address: str) -> ListedObject | None:
        """Return key, size and ETag of an object, or None if there is no such object."""
        where = self.location.child(address) if address else self.location
        request = self._client.head_object
        try:
            answer = self._call(f"inspect {where}", lambda: request(Bucket=where.bucket, Key=where.key))
        except AbsentError:
            return None
        return ListedObject(where.key, answer["ContentLength"], answer["ETag"])

    def size_of(self, address: str) -> int | None:
        """Return an object's size in bytes, or None if there is no such object."""
        found = self.head(address)
        return None if found is None else found.size

    def walk(self, prefix: str = "", deep: bool = True) -> Iterator[ListedObject]:
        """Yield the objects below a folder, without folder markers.

        Args:
            prefix: The folder's address; empty for the whole backend.
            deep: Whether to descend into subfolders.
        """
        where = self.location.child(prefix) if prefix else self.location
        request: ListObjectsV2RequestTypeDef = {"Bucket": where.bucket, "Prefix": f"{where.key}/" if where.key else ""}
        if not deep:
            request["Delimiter"] = "/"

        def ask() -> ListObjectsV2OutputTypeDef:
            page = self._client.list_objects_v2(**request)
            answered_by_s3(page, "Name")
            return page

        while True:
            page = self._call(f"list {where}", ask)
            for entry in page.get("Contents", []):
                if not entry["Key"].endswith("/"):
                    yield ListedObject(entry["Key"], entry["Size"], entry["ETag"])
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def list(self, prefix: str) -> list[str]:
        """Return the addresses below a folder, sorted."""
        root = len(self.location.key) + 1 if self.location.key else 0
        return sorted(listed.key[root:] for listed in self.walk(prefix))

    def delete(self, address: str) -> None:
        """Delete an object; a missing one is not an error."""
        where = self.location.child(address)
        request = self._client.delete_object
        try:
            self._call(f"delete {where}", lambda: request(Bucket=where.bucket, Key=where.key))
        except AbsentError:
            return

    def locate(self, address: str) -> str:
        """Return the full URI of an address."""
        return str(self.location.child(address))
