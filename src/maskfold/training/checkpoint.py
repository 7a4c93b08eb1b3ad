"""The state of an unfinished training, kept in the workspace."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import ValidationError

from maskfold.errors import CorruptDataError
from maskfold.specs import File

_KEPT = 2
_NAME = re.compile(r"\d{5,}-\d{8,}\.(pt|json)")


class Store(Protocol):
    """The part of a workspace that training uses."""

    def list(self, prefix: str = "") -> list[str]:
        """Return the addresses below a folder, sorted."""

    def read(self, path: str) -> bytes | None:
        """Return a small file's bytes, or None when there is no such file."""

    def write(self, path: str, content: bytes) -> File:
        """Publish bytes atomically."""

    def publish(self, source: Path, path: str) -> File:
        """Publish a local file atomically."""

    def fetch(self, file: File) -> Path:
        """Return a local path with the file's verified bytes, or raise ``CorruptDataError``."""

    def delete(self, path: str) -> None:
        """Delete a file."""

    def locate(self, path: str) -> str:
        """Return the full URI of an address."""


class Checkpoints:
    """The checkpoints of one job.

    Each is a file of tensors and plain values beside a small JSON file that names it and its checksum. The JSON file is
    published last, so a checkpoint is either complete or ignored. The last two are kept.

    Args:
        workspace: Where they are stored.
        address: Their folder in it.
        scratch: Local folder for files being written.
        log: Gets a warning about each damaged checkpoint.
    """

    def __init__(self, workspace: Store, address: str, scratch: Path, log: logging.Logger) -> None:
        self._workspace = workspace
        self._address = address
        self._scratch = scratch
        self._log = log

    def save(self, content: dict[str, Any], epoch: int, step: int) -> None:
        """Publish a checkpoint taken after ``step`` steps of ``epoch``.

        Args:
            content: Nested dictionaries and lists of tensors, numbers, strings, booleans and None.
            epoch: From 0.
            step: Steps done in the epoch.
        """
        name = f"{self._address}/{epoch:05d}-{step:08d}"
        local = self._scratch / "checkpoint.pt"
        torch.save(content, local)
        file = self._workspace.publish(local, f"{name}.pt")
        self._workspace.write(f"{name}.json", file.model_dump_json().encode())
        self._prune()

    def newest(self) -> dict[str, Any] | None:
        """Return the newest intact checkpoint, or None; damaged ones are logged and deleted."""
        for description in reversed(self._descriptions()):
            try:
                return self._load(description)
            except CorruptDataError as error:
                self._log.warning("checkpoint %s is damaged, trying the one before: %s", description, error)
                self._delete(description)
        return None

    def delete(self) -> None:
        """Delete all checkpoints."""
        for address in self._files():
            self._workspace.delete(address)

    def _load(self, description: str) -> dict[str, Any]:
        try:
            file = File.model_validate_json(self._workspace.read(description) or b"")
        except ValidationError:
            raise CorruptDataError(f"{self._workspace.locate(description)}: not the description of a file") from None
        local = self._workspace.fetch(file)
        try:
            content = torch.load(local, map_location="cpu", weights_only=True)
        except Exception as error:  # noqa: BLE001 - readers of zip and pickle raise anything on damaged bytes
            raise CorruptDataError(f"{self._workspace.locate(file.path)}: cannot be loaded: {error}") from None
        if not isinstance(content, dict):
            raise CorruptDataError(f"{self._workspace.locate(file.path)}: holds no state of a training")
        return content

    def _descriptions(self) -> list[str]:
        return [address for address in self._files() if address.endswith(".json")]

    def _files(self) -> list[str]:
        """Return the addresses that :meth:`save` gives; any other file in the folder is left alone."""
        start = len(self._address) + 1
        return [address for address in self._workspace.list(self._address) if _NAME.fullmatch(address[start:])]

    def _delete(self, description: str) -> None:
        # The description goes first: without it, the rest does not count as a checkpoint.
        self._workspace.delete(description)
        self._workspace.delete(f"{description.removesuffix('.json')}.pt")

    def _prune(self) -> None:
        kept = {description.removesuffix(".json") for description in self._descriptions()[-_KEPT:]}
        for address in self._files():
            if address.rpartition(".")[0] not in kept:
                self._workspace.delete(address)
