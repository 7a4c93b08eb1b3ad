"""Models that others have registered: which package is meant, and its files."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from maskfold.errors import CorruptDataError, InputError, UnavailableError
from maskfold.home import PRIVATE_FILE, make_private
from maskfold.redaction import without_password
from maskfold.settings import Settings
from maskfold.specs import ModelPackage, package_folder
from maskfold.specs import digest as marked
from maskfold.specs.address import Sha256
from maskfold.specs.model import MODEL_FILE, MODELS
from maskfold.storage import Workspace
from maskfold.storage.cache import cache_folder, locked, mark_used
from maskfold.storage.checksum import sha256_of
from maskfold.storage.faults import FULL, disk_faults
from maskfold.tracking.logged import short
from maskfold.tracking.mlmodel import PACKAGE
from maskfold.tracking.registry import ALIAS, DIGEST_TAG, KEY_TAG, WORKSPACE_TAG, unless_missing
from maskfold.tracking.store import connect, is_empty, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

_REFUSALS: Final = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_KEY: Final = re.compile(r"[0-9a-f]{16}")
_PREFIX: Final = "maskfold-"
_DOWNLOAD: Final = ".download-"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model that is a package of ours."""

    name: str
    version: str
    digest: str
    """Of the package."""
    key: str
    """Of the job that exported it."""
    workspace: str
    """URI of the workspace that it was registered from."""
    about: str
    """Recipe and score, for people."""

    @property
    def uri(self) -> str:
        """The version in MLflow's notation."""
        return f"models:/{self.name}/{self.version}"


def find_registered(name: str, alias: str = "", version: str = "") -> RegisteredVersion | None:
    """Ask the configured MLflow for a version of a registered model.

    Args:
        name: Of the registered model.
        alias: Of the version; ``version`` is then empty.
        version: Its number.

    Returns:
        The version; None if there is no such model, alias or version.

    Raises:
        InputError: If MLflow refuses access, or the version is no package of maskfold's.
        UnavailableError: If MLflow cannot be reached.
    """

    def ask(client: MlflowClient) -> ModelVersion | None:
        if alias:
            found: ModelVersion | None = unless_missing(lambda: client.get_model_version_by_alias(name, alias))
        else:
            found = unless_missing(lambda: client.get_model_version(name, version))
        return found

    found = _ask(ask)
    return None if found is None else _ours(found)


def champions_registered() -> list[str]:
    """Return the names of our models in the configured MLflow that have a champion, sorted.

    Raises:
        InputError: If MLflow refuses access.
        UnavailableError: If MLflow cannot be reached.
    """
    found = _ask(lambda client: list(client.search_registered_models(f"name LIKE '{_PREFIX}%'", max_results=1000)))
    return sorted(model.name for model in found or () if ALIAS in model.aliases)


def aliases_and_versions(name: str) -> str:
    """Return which aliases and versions a registered model has, for messages; empty if there is no such model.

    Raises:
        InputError: If MLflow refuses access.
        UnavailableError: If MLflow cannot be reached.
    """
    model = _ask(lambda client: unless_missing(lambda: client.get_registered_model(name)))
    if model is None:
        return ""
    aliases = ", ".join(f"@{alias} (version {number})" for alias, number in sorted(model.aliases.items()))
    newest = max((int(version.version) for version in model.latest_versions), default=0)
    return f"aliases: {aliases or 'none'}; newest version: {newest or 'none'}"


class RegisteredNote(Settings):
    """What a workspace knows of one of its packages: which version of a registered model it is in one MLflow."""

    name: str
    version: str
    digest: Sha256


def remember(workspace: Workspace, key: str, version: ModelVersion, uri: str) -> None:
    """Note in a workspace which version a package is, for times in which MLflow is away.

    Raises:
        MaskfoldError: If the workspace cannot be written.
    """
    note = RegisteredNote(name=version.name, version=str(version.version), digest=version.tags[DIGEST_TAG])
    workspace.write(f"{package_folder(key)}/{_note_name(uri)}", note.model_dump_json().encode())


def remembered(workspace: Workspace, name: str, version: str) -> tuple[str, str] | None:
    """Return key and digest of the package that is a version in the configured MLflow; None if that is not known.

    Raises:
        MaskfoldError: If the workspace cannot be read.
    """
    for path in workspace.list(MODELS):
        if path.endswith(f"/{_note_name(tracking_uri())}"):
            with contextlib.suppress(ValidationError):  # damaged: as if it were not there
                note = RegisteredNote.model_validate_json(workspace.read(path) or b"")
                if (note.name, note.version) == (name, version):
                    return path.split("/")[1], note.digest
    return None


def _note_name(uri: str) -> str:
    return f"registered-{marked(without_password(uri))[:16]}.json"


def fetch_registered(found: RegisteredVersion) -> Path:
    """Return a local folder with the package of a version; it is downloaded once, and verified.

    Raises:
        CorruptDataError: If the files are not those that were registered.
        UnavailableError: If MLflow, or its storage of artifacts, cannot be reached.
        MaskfoldError: If the cache cannot be written.
    """
    folder = cache_folder() / "models" / found.digest
    with disk_faults(f"write to the cache {folder}"), locked(folder):
        make_private(folder)
        mark_used(folder)
        described = _fetch(found, MODEL_FILE, found.digest, folder)
        try:
            package = ModelPackage.model_validate_json(described.read_bytes())
        except ValidationError:
            raise CorruptDataError(
                f"{found.uri} is a package of another version of maskfold; export the model again"
            ) from None
        for file in package.files:
            _fetch(found, file.name, file.sha256, folder)
    return folder


def _fetch(found: RegisteredVersion, name: str, sha256: str, folder: Path) -> Path:
    target = folder / name
    if target.is_file() and sha256_of(target) == sha256:
        return target
    for left in folder.glob(f"{_DOWNLOAD}*"):  # of a killed process: this one holds the lock
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_DOWNLOAD) as place:  # on the same disk, to be renamed
        if not _ask(lambda client: unless_missing(lambda: _download(client, found, name, place))):
            raise CorruptDataError(
                f"{found.uri}: {PACKAGE}/{name} is not in MLflow any more; register the model again from its workspace"
            )
        path = Path(place, name)
        path.chmod(PRIVATE_FILE)
        content = sha256_of(path)
        if content != sha256:
            raise CorruptDataError(
                f"{found.uri}: {name} is not the file that was registered (its sha256 is {content[:16]}..., expected "
                f"{sha256[:16]}...); it was changed, or damaged. Register the model again from its workspace"
            )
        path.replace(target)
    return target


def _download(client: MlflowClient, found: RegisteredVersion, name: str, folder: str) -> str:
    from mlflow.artifacts import download_artifacts

    # Not by models:/..., for which MLflow asks the registry that the environment names.
    artifacts = client.get_model_version_download_uri(found.name, found.version).rstrip("/")
    source = f"{artifacts}/{PACKAGE}/{name}"
    return str(download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=client.tracking_uri))


def _ask(question: Any) -> Any:
    """Return what MLflow answers, or None where the embedded database is not even there."""
    uri = tracking_uri()
    if is_empty(uri):
        return None
    where = f"MLflow at {without_password(uri)}"
    try:
        return question(connect(uri))
    except Exception as error:  # MLflow, databases and HTTP libraries each raise their own
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        if getattr(error, "error_code", None) in _REFUSALS:
            raise InputError(
                f"{where} refuses access to its models: {short(error)}; ask for the right to read them, or set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            ) from None
        raise UnavailableError(f"{where} does not answer: {short(error)}") from None


def _ours(version: ModelVersion) -> RegisteredVersion:
    digest, key = version.tags.get(DIGEST_TAG, ""), version.tags.get(KEY_TAG, "")
    if not _SHA256.fullmatch(digest) or not _KEY.fullmatch(key):
        raise InputError(
            f"models:/{version.name}/{version.version} was not registered by maskfold: it has no tag {DIGEST_TAG}; "
            "name another version, or a package by its address"
        )
    tags = version.tags
    about = f"{tags.get('maskfold.recipe', '')} ({key}, macro-F1 {tags.get('macro_f1', 'unknown')})"
    return RegisteredVersion(version.name, str(version.version), digest, key, tags.get(WORKSPACE_TAG, ""), about)
