"""The models of a workspace, and which of them a person makes the champion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import ValidationError

from maskfold import champions, tracking
from maskfold.champions import Succession
from maskfold.errors import CorruptDataError, InputError, MaskfoldError
from maskfold.inference.package import OpenPackage
from maskfold.models import CHAMPION, FoundModel, find_model, own_champion
from maskfold.specs import SPEC_FILE, ExportSpec, File, ModelPackage, package_file, package_folder
from maskfold.specs.model import MODEL_FILE, MODELS, SUMS_FILE
from maskfold.storage import Workspace, open_existing


@dataclass(frozen=True)
class ListedModel:
    """A package of a workspace."""

    package: ModelPackage
    uri: str
    """Its folder."""
    is_champion: bool

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.package.files)


@dataclass(frozen=True)
class Promotion:
    """What came of making a model the champion."""

    record: Succession
    uri: str
    """Of its package, in the workspace."""
    away: str
    """Why MLflow's alias could not follow; empty if it did."""
    warning: str
    """What people must know of the model."""


def list_models(workspace: Workspace) -> tuple[list[ListedModel], list[str]]:
    """Return the packages of a workspace, the best first, and for each that cannot be read why.

    Raises:
        MaskfoldError: If the workspace cannot be read.
    """
    found, damaged, best = list[ListedModel](), list[str](), set[str]()
    for model in champions.models_with_one(workspace):
        try:
            held = champions.read(workspace, model)
        except CorruptDataError as error:
            damaged.append(str(error))
        else:
            best |= {held.champion.key} if held is not None else set()
    for path in workspace.list(MODELS):
        if path.count("/") == 2 and path.endswith(f"/{MODEL_FILE}"):
            folder = path.rpartition("/")[0]
            try:
                package = ModelPackage.model_validate_json(workspace.read(path) or b"")
            except ValidationError:
                damaged.append(f"{workspace.locate(path)}: not the description of a model of this version of maskfold")
            else:
                found.append(ListedModel(package, workspace.locate(folder), package.key in best))
    order = [(one.package.name, -(one.package.vote.macro_f1 or 0.0), one.package.key) for one in found]
    return [one for _, one in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])], damaged


def promote(reference: str, workspace: str) -> Promotion:
    """Make a model the champion of a workspace, and of MLflow's registry.

    Args:
        reference: As :func:`maskfold.models.find_model` takes it; ``champion`` is the workspace's own, which MLflow's
            alias then follows. A package from elsewhere is copied into the workspace.
        workspace: An existing workspace.

    Raises:
        InputError: If there is no such model or workspace.
        CorruptDataError: If the package was changed.
        MaskfoldError: If the workspace cannot be read or written.
    """
    opened = open_existing(workspace)
    found = _own(opened) if reference == CHAMPION else find_model(reference, workspace)
    package = OpenPackage.open(found.uri, found.digest)
    key, digest, oof = package.model.key, package.digest, _oof(opened, package.model.key)
    if _digest(opened, key) != digest:
        _copy(package, opened)
    record = champions.succeed(opened, package.model.name, lambda _: champions.promoted(package.model, digest, oof))
    if record is None:
        raise MaskfoldError(f"{opened.locate(champions.path_of(package.model.name))} was not written")
    away = tracking.sync_champions(opened)
    return Promotion(record, opened.locate(package_folder(key)), away, found.warning)


def _own(workspace: Workspace) -> FoundModel:
    champion = own_champion(workspace)
    if champion is None:
        raise InputError(f"workspace {workspace.uri} has no champion; name run:ID, or the folder of a package")
    return FoundModel(workspace.locate(champion.package), champion.digest, f"{champion}")


def _digest(workspace: Workspace, key: str) -> str | None:
    """Return the digest of a package of the workspace; None if it has none of this key."""
    content = workspace.read(package_file(key))
    return None if content is None else hashlib.sha256(content).hexdigest()


def _copy(package: OpenPackage, workspace: Workspace) -> None:
    """Copy a verified package into a workspace; its description last."""
    folder = package_folder(package.model.key)
    if workspace.read(package_file(package.model.key)) is not None:
        raise InputError(
            f"{workspace.locate(folder)} is another package of the same key; delete it, or promote that one"
        )
    for name, path in package.paths.items():
        workspace.publish(path, f"{folder}/{name}")
    source = open_existing(package.uri)
    for name in (SUMS_FILE, MODEL_FILE):
        content = source.read(name)
        if content is not None:
            workspace.write(f"{folder}/{name}", content)


def _oof(workspace: Workspace, key: str) -> File | None:
    """Return the out-of-fold table of a run's package; None for a package from elsewhere."""
    try:
        spec = ExportSpec.model_validate_json(workspace.read(f"{ExportSpec.stage}/{key}/{SPEC_FILE}") or b"")
    except ValidationError:
        return None
    return spec.result.oof
