"""Where runs are recorded: an embedded database by default, any MLflow server by ``MLFLOW_TRACKING_URI``."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock

from maskfold.errors import InputError
from maskfold.home import PRIVATE_FILE, home, make_private
from maskfold.loopback import PAGES
from maskfold.redaction import without_password

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_EMBEDDED = "sqlite:///"
_KINDS = {"http", "https", "databricks", "sqlite", "postgresql", "mysql", "mssql"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
"""Which a PostgreSQL server answers with one letter; a MySQL server speaks first."""
_ANSWER_SECONDS = 10.0
_KIND_TAG = "mlflow.experimentKind"  # so that MLflow's pages open on runs and metrics, not on traces
_DEFAULTS = {
    # A server that does not answer costs one timeout: `sync` brings up later what it has missed.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
TRAINING_VIEW = "?workflowType=machine_learning"
"""At the end of an address it opens MLflow's pages for trainings; by default those for language models are shown."""
LOOPBACK_UI = PAGES["mlflow"]
"""Where `maskfold ui` shows MLflow, unless another port is given."""
PAGE_VARIABLE = "MASKFOLD_MLFLOW_PAGE"
"""Address by which people's browsers reach MLflow, where jobs use another one."""

# Migrations and repeated connections are not for people; what fails in the end is logged by our callers.
_LOUD = {"alembic": logging.WARNING, "mlflow.store.db.utils": logging.WARNING, "urllib3.connectionpool": logging.ERROR}


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, by default the database ``mlflow.db`` in maskfold's home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_EMBEDDED}{home() / 'mlflow.db'}"


def with_password(uri: str) -> str:
    """Return the configured URI if it differs from this one in its password only: jobs get theirs by environment."""
    return tracking_uri() if without_password(tracking_uri()) == uri else uri


def refuse_unusable_uri(uri: str = "") -> None:
    """Make sure that MLflow knows the kind of store that a tracking URI, by default the configured one, names.

    Raises:
        InputError: If it does not; whether a server answers is not checked here.
    """
    uri = uri or tracking_uri()
    kind = uri.partition(":")[0].partition("+")[0].lower()
    if kind not in _KINDS:
        raise InputError(
            f"MLflow's tracking URI {without_password(uri)}: expected the address of an MLflow server (http://..., "
            "https://...) or of a database (sqlite:///FILE, postgresql://..., mysql://...); correct or unset "
            "MLFLOW_TRACKING_URI; without it the embedded database is used"
        )


def experiment_id(uri: str) -> str:
    """Return the id of the experiment that runs are recorded in, for links; creates what does not exist.

    Raises:
        Exception: Whatever MLflow, its database or its server raise.
    """
    return experiment(connect(uri), experiment_name())


def page_of(uri: str, experiment: str = "", run: str = "", part: str = "") -> str:
    """Return where a person looks at a run: on the server, or where `maskfold ui` shows the embedded database.

    Args:
        uri: Tracking URI.
        experiment: Id; without it and the run, MLflow's front page is meant.
        run: Id.
        part: Of the run's pages, such as ``artifacts/report.html``; by default the first one.
    """
    server = without_password(os.environ.get(PAGE_VARIABLE) or (uri if uri.startswith("http") else LOOPBACK_UI))
    server = server.rstrip("/")
    return f"{server}/{run_page(experiment, run, part)}" if run else server


def run_page(experiment: str, run: str, part: str = "") -> str:
    """Return the page of a run as a link within MLflow; see :func:`page_of`."""
    return f"#/experiments/{experiment}/runs/{run}{part and '/'}{part}{TRAINING_VIEW}"


def artifact_folder(uri: str) -> Path:
    """Return the folder of the artifacts of a database that no server stands before: beside it, or in our home.

    MLflow's own default is a folder below the current one, wherever that is.
    """
    database = Path(uri.removeprefix(_EMBEDDED)).absolute() if uri.startswith(_EMBEDDED) else home() / "mlflow.db"
    return make_private(database.with_name("mlartifacts"))


def is_empty(uri: str) -> bool:
    """Return whether a tracking URI names an embedded database that does not exist, so that nothing is in it."""
    return uri.startswith(_EMBEDDED) and not Path(uri.removeprefix(_EMBEDDED)).exists()


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

    if uri.startswith(_EMBEDDED):
        database = Path(uri.removeprefix(_EMBEDDED))
        _create_database(database)
        _open_database(database)
    elif not uri.startswith("http"):
        _reach_database(uri)
    return MlflowClient(tracking_uri=uri)


def _reach_database(uri: str) -> None:
    """Raise if the server of a database does not answer: MLflow would wait without limit, or repeat for an hour."""
    address = urlsplit(uri)
    kind = address.scheme.partition("+")[0]
    port = address.port or _PORTS.get(kind)
    if not (address.hostname and port):
        return
    with socket.create_connection((address.hostname, port), timeout=_ANSWER_SECONDS) as connection:
        if kind == "postgresql":
            connection.sendall(_SSL_REQUEST)
        if kind in ("postgresql", "mysql") and not connection.recv(1):
            raise ConnectionError(f"what listens on port {port} of {address.hostname} is no {kind} server")


def _open_database(database: Path) -> None:
    """Raise if a file is no database that can be opened: MLflow would repeat for an hour before it raises."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as opened:
        opened.execute("PRAGMA schema_version")


def _create_database(database: Path) -> None:
    """Make the tables aside and rename: a process that is killed meanwhile leaves no half database.

    MLflow's migrations also fail when two processes begin them at once ("duplicate column name"), so one makes the
    tables while the others wait. MLflow's own first experiment would otherwise have its artifacts in the current
    folder.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if not database.parent.exists():
        make_private(database.parent)
    with FileLock(database.with_name(f".{database.name}.lock")):
        if database.exists():
            return
        aside = database.with_name(f".{database.name}.new")
        for left in database.parent.glob(f"{aside.name}*"):
            left.unlink()
        aside.touch(PRIVATE_FILE)  # SQLite gives its journals the same mode
        place = artifact_folder(f"{_EMBEDDED}{database}").as_uri()
        SqlAlchemyStore(f"{_EMBEDDED}{aside}", place).engine.dispose()  # type: ignore[no-untyped-call]
        aside.rename(database)


def experiment_name() -> str:
    """Return ``MLFLOW_EXPERIMENT_NAME``, by default ``maskfold``."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "maskfold"


def experiment(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment, creating or restoring it.

    Raises:
        Exception: Whatever MLflow or its server raise.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            server = client.tracking_uri.startswith(("http", "databricks"))  # has a place of its own
            place = None if server else artifact_folder(client.tracking_uri).as_uri()
            return client.create_experiment(name, place, tags={_KIND_TAG: "custom_model_development"})
        except MlflowException as error:
            found = client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
