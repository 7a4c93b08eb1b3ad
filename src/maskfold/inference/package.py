"""A model package that was found, verified and is ready to load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from maskfold.errors import CorruptDataError, InputError
from maskfold.inference.network import read_card
from maskfold.specs import File, ModelPackage
from maskfold.specs.model import FORMAT, MODEL_FILE
from maskfold.storage import Workspace, open_existing


@dataclass(frozen=True)
class OpenPackage:
    """A package whose files have the digests that its description states."""

    model: ModelPackage
    digest: str
    """sha256 of ``model.json``, and so of everything in it."""
    paths: Mapping[str, Path]
    """Local path of each file, by its name."""
    uri: str
    """Where it is."""

    @classmethod
    def open(cls, uri: str, digest: str | None = None) -> Self:
        """Fetch a package and verify it.

        Args:
            uri: Its folder: a path, ``file://`` or ``s3://``.
            digest: What its digest must be; None accepts any package that agrees with itself.

        Raises:
            InputError: If there is no package.
            CorruptDataError: If a file is missing or has been changed.
            UnavailableError: If the storage cannot be reached.
        """
        folder = open_existing(uri)
        content = folder.read(MODEL_FILE)
        if content is None:
            raise InputError(
                f"{uri}: no model here: expected a folder with {MODEL_FILE}, such as WORKSPACE/models/<key>; "
                "or name champion, run:latest or run:ID with --workspace"
            )
        file = _described(content)
        if digest is not None and file.sha256 != digest:
            raise CorruptDataError(
                f"model {uri}: its digest is {file.sha256[:16]}..., expected {digest[:16]}...; it was changed after it "
                "was made. Export it again"
            )
        model = _parse(content, uri)
        paths = {one.name: _fetch(folder, one.name, one.sha256, one.size) for one in model.files}
        _agree(model, paths, uri)
        return cls(model, file.sha256, paths, folder.uri)


def _described(content: bytes) -> File:
    return File(path=MODEL_FILE, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _parse(content: bytes, uri: str) -> ModelPackage:
    try:
        return ModelPackage.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CorruptDataError(
            f"model {uri}: {MODEL_FILE} is not one of format {FORMAT} ({where}: {first['msg']}); it is damaged, or of "
            "another version of maskfold. Export it again"
        ) from None


def _fetch(folder: Workspace, name: str, sha256: str, size: int) -> Path:
    found = folder.size_of(name)
    if found is None:
        raise CorruptDataError(f"model {folder.uri}: {name} is missing; export the model again")
    return folder.fetch(File(path=name, sha256=sha256, size=size))


def _agree(model: ModelPackage, paths: Mapping[str, Path], uri: str) -> None:
    """Make sure that the cards of all networks say what the package says."""
    for network in model.networks:
        for file in network.weights:
            card = read_card(paths[file.name])
            said = (card.target, card.input.source, card.crop, card.typical_face, card.scheme.names, card.scheme.shape)
            scheme = model.scheme
            if said != (network.target, network.input, model.crop, model.typical_face, scheme.names, scheme.shape):
                raise CorruptDataError(
                    f"model {uri}: {file.name} was trained for another scheme, crop or target than {MODEL_FILE} "
                    "states; export the model again"
                )
