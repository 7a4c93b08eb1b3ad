from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from maskfold.recipe import Crop, Dataset, Folds, Recipe, load_recipe
from maskfold.specs import (
    CropOutcome,
    CropSpec,
    EnsembleOutcome,
    EnsembleSpec,
    EpochRecord,
    FaceShares,
    File,
    Outcome,
    PrepareOutcome,
    PrepareSpec,
    Scores,
    Spec,
    TrainFoldOutcome,
    TrainFoldSpec,
)
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking import RunTracker, connect, experiment_id
from tests.servers.mlflow import MlflowServer
from tests.servers.proxy import Proxy, proxied

NOWHERE = File(path="none", sha256="0" * 64, size=0)
DATA = "/photos/realdata"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database as it is after its creation, which takes seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    connect(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def maskfold_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, and no environment that points elsewhere."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MASKFOLD_HOME", str(home))
    return home


@pytest.fixture
def embedded(maskfold_home: Path, empty_database: Path) -> str:
    """URI of an embedded database."""
    shutil.copyfile(empty_database, maskfold_home / "mlflow.db")
    return f"sqlite:///{maskfold_home / 'mlflow.db'}"


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.servers)])
def uri(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same test on the embedded database and on a server."""
    if request.param == "embedded":
        return str(request.getfixturevalue("embedded"))
    server: MlflowServer = request.getfixturevalue("mlflow_server")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return server.uri


@pytest.fixture
def proxy(mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the server, as the MLflow that runs are recorded in; requests time out soon."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    with proxied(mlflow_server.port) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        yield proxy


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def recipe(*overrides: str) -> Recipe:
    return load_recipe("smoke", list(overrides))


def epochs(count: int) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(
            epoch=number, lr=0.1, train_loss=2.0 - number / 10, valid_loss=2.0, valid_macro_f1=number / 100,
            valid_accuracy=0.5, images_per_second=100.0,
        )
        for number in range(count)
    )  # fmt: skip


def fold_spec(fold: int = 0, epochs: int = 1) -> TrainFoldSpec:
    network = recipe(f"networks.0.epochs={epochs}").networks[0]
    return TrainFoldSpec(
        workspace="/w", network=network, fold=fold, n_folds=2, scheme=recipe().scheme, crop=Crop(), typical_face=None,
        deterministic=True, learnt_versions=("d",), folds_version="f", manifest=NOWHERE, folds=NOWHERE, pack=NOWHERE,
        index=NOWHERE, weights=None,
    )  # fmt: skip


PREPARE = PrepareSpec(
    workspace="/w", data=DATA, fingerprint="f", dataset=Dataset(), scheme=recipe().scheme, folds=Folds()
)
CROP = CropSpec(workspace="/w", data=DATA, fingerprint="f", manifest=NOWHERE, images_version="i", crop=Crop())


def vote_spec(prepared: PrepareOutcome, cropped: CropOutcome) -> EnsembleSpec:
    return EnsembleSpec(
        workspace="/w", recipe=recipe(), data=DATA, fingerprint="f", prepared=prepared, cropped=cropped, trained=(),
        dataset_version="d", folds_version="f", trained_keys=(),
    )  # fmt: skip


def finish_job(workspace: Workspace, spec: Spec, outcome: Outcome) -> None:
    """Leave an outcome as a job does."""
    workspace.write(f"{spec.address}/outcome.json", outcome.model_dump_json().encode())


def fold_outcome(workspace: Workspace, spec: TrainFoldSpec, count: int = 3, **more: Any) -> TrainFoldOutcome:
    weights = workspace.write(f"{spec.address}/weights.safetensors", b"weights")
    outcome = TrainFoldOutcome(
        seconds=12.5, network=spec.network.name, fold=spec.fold, predictions=NOWHERE, weights=weights,
        best_epoch=count - 1, macro_f1=0.7 + spec.fold / 10, accuracy=0.8, history=epochs(count),
        initial_weights="scratch", device="cpu", amp="off", images_per_second=100.0, steps_per_epoch=10, **more,
    )  # fmt: skip
    finish_job(workspace, spec, outcome)
    return outcome


def prepare_outcome(workspace: Workspace) -> PrepareOutcome:
    table = workspace.write("prepare/k/quarantine.parquet", b"table")
    outcome = PrepareOutcome(
        seconds=1.5, manifest=NOWHERE, folds=workspace.write("prepare/k/folds.parquet", b"folds"), quarantine=table,
        dataset_version="version-1", images_version="i", eval_version="e", learnt_versions={}, folds_version="f",
        n_people=12, n_train=84, n_eval=10,
        n_quarantined=1, n_eval_unreadable=0, n_corrected=0, class_counts=tuple(range(18)), warnings=("one is odd",),
    )  # fmt: skip
    finish_job(workspace, PREPARE, outcome)
    return outcome


def crop_outcome(workspace: Workspace) -> CropOutcome:
    group = FaceShares(group="train, mask wear", images=10, detected=9, retried=0, fallback=1, unreadable=0)
    outcome = CropOutcome(
        seconds=3.0, faces=NOWHERE, portraits=NOWHERE, index=NOWHERE, n_images=94, fallback_share_train=0.02,
        fallback_share_eval=0.04, images_per_second=31.0, figures=(workspace.write("crop/k/sample.png", b"picture"),),
        face_shares=(group,),
    )  # fmt: skip
    finish_job(workspace, CROP, outcome)
    return outcome


def vote_outcome(workspace: Workspace, spec: EnsembleSpec) -> EnsembleOutcome:
    def put(name: str) -> File:
        return workspace.write(f"ensemble/k/{name}", name.encode())

    outcome = EnsembleOutcome(
        seconds=2.0, submission=put("submission.csv"), latest="submissions/latest.csv", oof=put("oof.parquet"),
        report=put("report.html"), figures=(put("confusion.png"),), tables=(put("scores.csv"),), face_shares=(),
        scores={
            "age-net": Scores(macro_f1=None, accuracy=None, attributes={"age": {"accuracy": 0.7, "macro_f1": 0.6}}),
            "vote": Scores(
                macro_f1=0.71, macro_f1_low=0.66, macro_f1_high=0.75, accuracy=0.82,
                attributes={"mask": {"accuracy": 0.99, "macro_f1": 0.98}},
            ),
        },
    )  # fmt: skip
    finish_job(workspace, spec, outcome)
    return outcome


def begin(workspace: Workspace, parent: str | None = None) -> RunTracker:
    return RunTracker.start(workspace, recipe(), DATA, {"prefect.flow_run_url": "http://ui/1"}, parent)


def play(tracker: RunTracker, workspace: Workspace, end: bool = True) -> list[TrainFoldSpec]:
    """Do what a whole flow with two folds does; return the folds' specs."""
    prepared, cropped = prepare_outcome(workspace), crop_outcome(workspace)
    tracker.done(PREPARE)
    tracker.done(CROP)
    folds = [fold_spec(0), fold_spec(1)]
    tracker.add(folds)
    for spec in folds:
        fold_outcome(workspace, spec)
        tracker.done(spec)
    vote = vote_spec(prepared, cropped)
    vote_outcome(workspace, vote)
    tracker.done(vote)
    if end:
        tracker.finish()
    return folds


def steps(client: MlflowClient, run: str, key: str = "valid_macro_f1") -> list[int]:
    return sorted(point.step for point in client.get_metric_history(run, key))


def artifacts(client: MlflowClient, run: str, folder: str | None = None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run, folder):
        found |= artifacts(client, run, entry.path) if entry.is_dir else {entry.path}
    return found


def runs_of(uri: str, workspace: Workspace) -> dict[str, list[Run]]:
    """The runs of a workspace that MLflow shows, by name, so that a doubled one is seen."""
    found: dict[str, list[Run]] = {}
    records = {address.split("/")[1] for address in workspace.list("runs")}
    for run in MlflowClient(tracking_uri=uri).search_runs([experiment_id(uri)]):
        if run.data.tags.get("maskfold.run") in records:
            found.setdefault(str(run.info.run_name), []).append(run)
    return found


def whole_database(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that MLflow keeps of runs and models, and every artifact with its time of change."""
    tables = (
        *("runs", "metrics", "latest_metrics", "params", "tags", "inputs", "input_tags", "datasets"),
        *("logged_models", "logged_model_metrics", "logged_model_params", "logged_model_tags"),
        *("registered_models", "registered_model_aliases", "model_versions", "model_version_tags"),
    )
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        rows = {table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    files = [path for path in folder.glob("*artifacts/**/*") if path.is_file()]
    return {**rows, "artifacts": sorted((str(path), path.stat().st_mtime_ns) for path in files)}
