"""MLflow's model registry: a registered model for each scheme, a version for each package, the alias ``champion``.

As all that is recorded, it is brought up from the workspace: every method looks first and adds what is missing, so that
it can be interrupted and repeated, and nothing is registered twice. A version is found again by the digest of its
package.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from maskfold.champions import Champion
from maskfold.errors import CorruptDataError
from maskfold.specs import File, ModelPackage, package_file, package_folder
from maskfold.specs.model import MODEL_FILE, SUMS_FILE
from maskfold.storage import Workspace
from maskfold.tracking.logged import Patience, clean_tags, time_for
from maskfold.tracking.mlmodel import PACKAGE, model_files

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

ALIAS: Final = "champion"
DIGEST_TAG, KEY_TAG, WORKSPACE_TAG = "maskfold.digest", "maskfold.key", "maskfold.workspace"
SINCE_TAG: Final = "maskfold.champion_since"
"""On a version: which record of a champion was looked at already. So an alias that a person has moved since stays."""
_MODEL_TAG: Final = "maskfold.logged_model"
"""On a version: the logged model, which MLflow's databases do not keep."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """The run in MLflow that made a package."""

    experiment: str
    """Id of MLflow's experiment."""
    at: int
    """When the package was made, in milliseconds since 1970."""
    run: str = ""
    """Id of MLflow's run; empty if none is known."""
    record: str = ""
    """Id of our record of it."""


@dataclass(frozen=True)
class _Package:
    model: ModelPackage
    digest: str
    files: tuple[File, ...]
    """All of them, with their addresses in the workspace."""


class Registry:
    """The registered models of a workspace in one MLflow; methods raise whatever MLflow or its server raise.

    Args:
        client: Of that MLflow.
        workspace: Holds the packages.
        patience: Shared with what else is uploaded.
    """

    def __init__(self, client: MlflowClient, workspace: Workspace, patience: Patience) -> None:
        self._client, self._workspace, self._patience = client, workspace, patience

    def register(self, key: str, origin: Origin) -> ModelVersion | None:
        """Return the version of a package, which is registered if it is not yet.

        Args:
            key: Of the package.
            origin: What made it.

        Returns:
            The version; None if the package was deleted from the workspace.

        Raises:
            CorruptDataError: If the package is damaged.
            TimeoutError: If MLflow's storage was too slow before.
        """
        package = self._read(key)
        if package is None:
            return None
        found = self._versions(package.model.name, package.digest)
        if found:
            return found[0]
        logged = self._logged(package, origin)
        with self._patience.spent_on_failure():
            self._upload(package, logged, origin)
        if str(logged.status) != "READY":
            self._client.finalize_logged_model(logged.model_id, "READY")
        self._create_version(package, logged, origin)
        first, *doubled = self._versions(package.model.name, package.digest)
        for other in doubled:  # of a process that did the same at once; all keep the first
            self._client.delete_model_version(other.name, other.version)
        return first

    def follow(self, champion: Champion, origin: Origin) -> None:
        """Move the alias to the champion of the workspace, once for each record of one.

        It stays where another workspace's model has it, or where a person has put it by MLflow's own means, unless a
        person has promoted the champion here. That is logged.
        """
        # A run's model was registered with its run; if it is not there, a person has deleted it.
        is_foreign = champion.oof is None
        version = self.register(champion.key, origin) if is_foreign else self._find(champion)
        if version is None or version.tags.get(SINCE_TAG) == champion.since:
            return
        now = self.by_alias(champion.model, ALIAS)
        is_ours = now is not None and SINCE_TAG in now.tags and now.tags.get(WORKSPACE_TAG) == self._workspace.uri
        moves = now is None or is_ours or now.version == version.version or champion.set_by == "person"
        if moves:
            self._client.set_registered_model_alias(champion.model, ALIAS, version.version)
        elif now is not None:
            _log.warning(
                "MLflow: %s@%s stays version %s, of %s; `maskfold promote --workspace %s --model champion` moves it to "
                "version %s, the champion of this workspace",
                champion.model, ALIAS, now.version, now.tags.get(WORKSPACE_TAG, "another origin"),
                self._workspace.uri, version.version,
            )  # fmt: skip
        self._client.set_model_version_tag(champion.model, version.version, SINCE_TAG, champion.since)

    def by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Return the version with an alias; None if there is none."""
        found: ModelVersion | None = unless_missing(lambda: self._client.get_model_version_by_alias(name, alias))
        return found

    def _read(self, key: str) -> _Package | None:
        content = self._workspace.read(package_file(key))
        if content is None:
            return None
        folder = package_folder(key)
        try:
            model = ModelPackage.model_validate_json(content)
        except ValidationError:
            where = self._workspace.locate(package_file(key))
            raise CorruptDataError(f"{where} is damaged, or of another version of maskfold") from None
        files = [File(path=f"{folder}/{one.name}", sha256=one.sha256, size=one.size) for one in model.files]
        texts = {MODEL_FILE: content, SUMS_FILE: self._workspace.read(f"{folder}/{SUMS_FILE}")}
        files += [_file(f"{folder}/{name}", text) for name, text in texts.items() if text is not None]
        return _Package(model, hashlib.sha256(content).hexdigest(), tuple(files))

    def _find(self, champion: Champion) -> ModelVersion | None:
        return next(iter(self._versions(champion.model, champion.digest)), None)

    def _versions(self, name: str, digest: str) -> list[ModelVersion]:
        where = f"name = '{name}' and tags.`{DIGEST_TAG}` = '{digest}'"
        return sorted(self._client.search_model_versions(where), key=lambda version: int(version.version))

    def _logged(self, package: _Package, origin: Origin) -> LoggedModel:
        """Return the logged model of a package; of several all processes keep the same one."""
        if not (found := self._search(package, origin)):
            model = package.model
            self._client.create_logged_model(
                origin.experiment,
                name=model.name.replace(".", "-"),
                source_run_id=origin.run or None,
                tags=self._tags(package, origin),
                params={"recipe": model.recipe, "dataset_version": model.dataset_version},
                model_type="classifier",
            )
            found = self._search(package, origin)
        for doubled in found[1:]:
            self._client.delete_logged_model(doubled.model_id)
        self._show_in_run(package, found[0], origin)
        return found[0]

    def _search(self, package: _Package, origin: Origin) -> list[LoggedModel]:
        where = f"tags.`{DIGEST_TAG}` = '{package.digest}'"
        found = self._client.search_logged_models([origin.experiment], filter_string=where)
        return sorted(found, key=lambda model: (model.creation_timestamp, model.model_id))

    def _show_in_run(self, package: _Package, logged: LoggedModel, origin: Origin) -> None:
        """Link a logged model with its run, and give it the scores."""
        if not origin.run:
            return
        from mlflow.entities import LoggedModelOutput, Metric

        run = self._client.get_run(origin.run)
        made = run.outputs.model_outputs if run.outputs else []
        if logged.model_id not in [output.model_id for output in made]:
            self._client.log_outputs(origin.run, [LoggedModelOutput(logged.model_id, step=0)])
        there = {metric.key for metric in logged.metrics or ()}
        points = {name: value for name, value in _scores(package.model).items() if name not in there}
        if points:
            metrics = [Metric(name, value, origin.at, 0, model_id=logged.model_id) for name, value in points.items()]
            self._client.log_batch(origin.run, metrics)

    def _upload(self, package: _Package, logged: LoggedModel, origin: Origin) -> None:
        """Upload what is missing of a model's files; ``MLmodel``, by which it is loaded, last."""
        model_id = logged.model_id
        there = {
            entry.path: entry.file_size
            for folder in (None, PACKAGE)
            for entry in self._client.list_logged_model_artifacts(model_id, folder)
        }
        for file in sorted(package.files, key=lambda file: file.size):
            name = PurePosixPath(file.path).name
            if there.get(f"{PACKAGE}/{name}", -1) not in (file.size, None):
                with time_for(file.size):
                    self._client.log_model_artifact(model_id, str(self._workspace.fetch(file)), PACKAGE)
        texts = model_files(package.model, model_id, logged.artifact_location, origin.run, origin.at)
        with tempfile.TemporaryDirectory(prefix="maskfold-") as folder:
            for name, text in reversed(texts.items()):
                if there.get(name, -1) not in (len(text.encode()), None):
                    path = Path(folder, name)
                    path.write_text(text, encoding="utf-8")
                    self._client.log_model_artifact(model_id, str(path))

    def _create_version(self, package: _Package, logged: LoggedModel, origin: Origin) -> None:
        from mlflow.exceptions import MlflowException

        model = package.model
        classes = ", ".join(f"{one.name} ({', '.join(one.class_names)})" for one in model.scheme.attributes)
        if unless_missing(functools.partial(self._client.get_registered_model, model.name)) is None:
            try:
                self._client.create_registered_model(model.name, description=f"Photographs of faces: {classes}.")
            except MlflowException as error:  # by another process, at once
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        # Without a server MLflow would look up run and model in whatever store the environment names.
        knows_model = bool(origin.run) or self._client.tracking_uri.startswith("http")
        self._client.create_model_version(
            model.name,
            logged.artifact_location,
            run_id=origin.run or None,
            tags={**self._tags(package, origin), _MODEL_TAG: logged.model_id},
            description=_description(model),
            await_creation_for=0,
            model_id=logged.model_id if knows_model else None,
        )

    def _tags(self, package: _Package, origin: Origin) -> dict[str, str]:
        model = package.model
        known = {
            DIGEST_TAG: package.digest,
            KEY_TAG: model.key,
            WORKSPACE_TAG: self._workspace.uri,
            "maskfold.dataset_version": model.dataset_version,
            "maskfold.recipe": model.recipe,
            "maskfold.run": origin.record,
            "maskfold.version": model.versions["maskfold"],
            **{name: f"{value:.4f}" for name, value in _scores(model).items() if "/" not in name},
        }
        return clean_tags({name: value for name, value in known.items() if value})


def unless_missing(ask: Callable[[], Any]) -> Any:
    """Return what MLflow answers; None if it says that there is no such model, alias or version."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if is_missing(error):
            return None
        raise


def is_missing(error: Exception) -> bool:
    """Return whether an error says that there is no such model, alias or version."""
    code = getattr(error, "error_code", None)
    # An unknown alias is an invalid parameter to MLflow.
    return code == "RESOURCE_DOES_NOT_EXIST" or (code == "INVALID_PARAMETER_VALUE" and "not found" in str(error))


def _file(path: str, content: bytes) -> File:
    return File(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _scores(model: ModelPackage) -> dict[str, float]:
    """Return the out-of-fold scores of the vote, named as in the run."""
    scores = model.vote.model_dump(exclude={"attributes"})
    scores |= {
        f"oof/vote/{attribute}_{name}": value
        for attribute, values in model.vote.attributes.items()
        for name, value in values.items()
    }
    return {name: float(value) for name, value in scores.items() if value is not None}


def _description(model: ModelPackage) -> str:
    vote = model.vote
    between = (
        "" if vote.macro_f1_low is None else f" (95 % interval {vote.macro_f1_low:.3f} to {vote.macro_f1_high:.3f})"
    )
    return (
        f"macro-F1 {vote.macro_f1 or 0:.3f}{between}, out-of-fold; recipe {model.recipe}, {model.training.images:,} "
        f"photographs of {model.training.people:,} people. The model card is {PACKAGE}/README.md of its artifacts."
    )
