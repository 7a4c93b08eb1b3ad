from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from maskfold.recipe import Network
from maskfold.specs import (
    CropOutcome,
    EnsembleOutcome,
    EpochRecord,
    File,
    PrepareOutcome,
    Scores,
    TrainFoldOutcome,
    TrainFoldSpec,
)
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking import prepare_store
from tests.servers.mlflow import MlflowServer

NOWHERE = File(path="none", sha256="0" * 64, size=0)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database as it is after its creation, which takes seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    prepare_store(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def maskfold_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, and no environment that points elsewhere."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MASKFOLD_HOME", str(home))
    monkeypatch.setattr("maskfold.tracking.sender.PAUSE_S", 0.0)
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
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def epochs(count: int) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(
            epoch=number, lr=0.1, train_loss=2.0 - number / 10, valid_loss=2.0, valid_macro_f1=number / 100,
            valid_accuracy=0.5, images_per_second=100.0,
        )
        for number in range(count)
    )  # fmt: skip


def fold_spec(name: str = "face-b0", fold: int = 0) -> TrainFoldSpec:
    return TrainFoldSpec(
        workspace="/w", network=Network(name=name), fold=fold, n_folds=2, labels={}, deterministic=True,
        dataset_version="d", folds_version="f", crop_key="c", manifest=NOWHERE, folds=NOWHERE, pack=NOWHERE,
        index=NOWHERE, weights=None,
    )  # fmt: skip


def fold_outcome(workspace: Workspace, count: int = 3, **more: Any) -> TrainFoldOutcome:
    weights = workspace.write("train_fold/k/weights.safetensors", b"weights")
    return TrainFoldOutcome(
        seconds=12.5, network="face-b0", fold=0, predictions=NOWHERE, weights=weights, best_epoch=count - 1,
        macro_f1=0.7, accuracy=0.8, history=epochs(count), initial_weights="scratch", device="cpu", amp="off",
        images_per_second=100.0, steps_per_epoch=10, **more,
    )  # fmt: skip


def prepare_outcome(workspace: Workspace) -> PrepareOutcome:
    table = workspace.write("prepare/k/quarantine.parquet", b"table")
    return PrepareOutcome(
        seconds=1.5, manifest=NOWHERE, folds=workspace.write("prepare/k/folds.parquet", b"folds"), quarantine=table,
        dataset_version="version-1", images_version="i", folds_version="f", n_people=12, n_train=84, n_eval=10,
        n_quarantined=1, n_eval_unreadable=0, n_corrected=0, class_counts=tuple(range(18)), warnings=("one is odd",),
    )  # fmt: skip


def crop_outcome(workspace: Workspace) -> CropOutcome:
    return CropOutcome(
        seconds=3.0, faces=NOWHERE, portraits=NOWHERE, index=NOWHERE, n_images=94, fallback_share_train=0.02,
        fallback_share_eval=0.04, images_per_second=31.0, figures=(workspace.write("crop/k/sample.png", b"picture"),),
    )  # fmt: skip


def ensemble_outcome(workspace: Workspace) -> EnsembleOutcome:
    def put(name: str) -> File:
        return workspace.write(f"ensemble/k/{name}", name.encode())

    return EnsembleOutcome(
        seconds=2.0, submission=put("submission.csv"), latest="submissions/latest.csv", oof=put("oof.parquet"),
        report=put("report.html"), figures=(put("confusion.png"),), tables=(put("scores.csv"),),
        scores={
            "age-net": Scores(macro_f1=None, accuracy=None, attributes={"age": {"accuracy": 0.7, "macro_f1": 0.6}}),
            "vote": Scores(macro_f1=0.71, accuracy=0.82, attributes={"mask": {"accuracy": 0.99, "macro_f1": 0.98}}),
        },
    )  # fmt: skip
