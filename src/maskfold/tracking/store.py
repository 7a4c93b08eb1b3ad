"""Where runs are recorded: an embedded database by default, any MLflow server by ``MLFLOW_TRACKING_URI``."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from maskfold.errors import InputError
from maskfold.home import home

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_EMBEDDED = "sqlite:///"
_KINDS = {"http", "https", "databricks", "sqlite", "postgresql", "mysql", "mssql"}
_KIND_TAG = "mlflow.experimentKind"  # so that MLflow's pages open on runs and metrics, not on traces
_DEFAULTS = {
    # A server that does not answer must not hold up a training; what is not sent now is sent later.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

# Migrations and connections tried again are not for people; what fails in the end is logged here.
_LOUD = {"alembic": logging.WARNING, "mlflow.store.db.utils": logging.WARNING, "urllib3.connectionpool": logging.ERROR}


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, by default the database ``mlflow.db`` in maskfold's home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_EMBEDDED}{home() / 'mlflow.db'}"


def refuse_unusable_uri() -> None:
    """Make sure that MLflow knows the kind of store that ``MLFLOW_TRACKING_URI`` names.

    Raises:
        InputError: If it does not; a server that is only away is none of this function's business.
    """
    uri = tracking_uri()
    kind = uri.partition(":")[0].partition("+")[0].lower()
    if kind not in _KINDS:
        raise InputError(
            f"MLFLOW_TRACKING_URI={uri}: expected the address of an MLflow server (http://..., https://...) or of a "
            "database (sqlite:///FILE, postgresql://..., mysql://...); unset it to use the embedded database"
        )


def prepare_store(uri: str | None = None) -> None:
    """Create the embedded database if there is none; for a server there is nothing to do.

    MLflow's own migrations fail when two processes begin them at once ("duplicate column name"), so one process
    creates the tables while the others wait.

    Args:
        uri: Tracking URI; by default :func:`tracking_uri`.
    """
    connect(uri or tracking_uri())


def experiment_id(uri: str) -> str:
    """Return the id of the experiment that runs are recorded in, for links; creates what does not exist.

    Raises:
        Exception: Whatever MLflow, its database or its server raise.
    """
    return experiment(connect(uri))


def connect(uri: str) -> MlflowClient:
    """Return a client that fails soon and logs little.

    Args:
        uri: Tracking URI. An embedded database is created when it does not exist.

    Raises:
        Exception: Whatever MLflow, its database or the disk raise.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    for name, level in _LOUD.items():
        logging.getLogger(name).setLevel(level)
    from mlflow.tracking import MlflowClient

    if not uri.startswith(_EMBEDDED):
        return MlflowClient(tracking_uri=uri)
    database = Path(uri.removeprefix(_EMBEDDED))
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f".{database.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return MlflowClient(tracking_uri=uri)


def experiment(client: MlflowClient) -> str:
    """Return the id of ``MLFLOW_EXPERIMENT_NAME`` (by default ``maskfold``), creating or restoring the experiment.

    Raises:
        Exception: Whatever MLflow or its server raise.
    """
    from mlflow.exceptions import MlflowException

    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "maskfold"
    found = client.get_experiment_by_name(name)
    if found is None:
        embedded = client.tracking_uri == f"{_EMBEDDED}{home() / 'mlflow.db'}"
        try:
            place = (home() / "mlartifacts").as_uri() if embedded else None
            return client.create_experiment(name, place, tags={_KIND_TAG: "custom_model_development"})
        except MlflowException as error:
            found = client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
