"""A workspace with runs whose trainings are recorded, without having been trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from maskfold.recipe import dump_recipe, load_recipe
from maskfold.specs import OUTCOME_FILE, EpochRecord, File, TrainAllOutcome, TrainFoldOutcome, TrainOutcome
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking.record import JobRecord, RunRecord

NOWHERE = File(path="none", sha256="0" * 64, size=0)
BEGIN = 1_700_000_000_000

Ran = Callable[..., RunRecord]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    return open_workspace(str(tmp_path / "workspace"))


def history(epochs: int, best: float, *, held_out: bool = True) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(
            epoch=epoch,
            lr=0.001 / (epoch + 1),
            train_loss=2 / (epoch + 1),
            valid_loss=2.5 / (epoch + 1) if held_out else None,
            valid_macro_f1=best * (epoch + 1) / epochs if held_out else None,
            valid_accuracy=best if held_out else None,
            images_per_second=100.0,
        )
        for epoch in range(epochs)
    )


def training(network: str, fold: int | None, epochs: int = 3, best: float = 0.5) -> TrainOutcome:
    """Return a training; of everybody if no fold is held out."""
    common = {
        "seconds": 1.0, "network": network, "weights": NOWHERE, "best_epoch": epochs - 1, "initial_weights": "none",
        "device": "cpu", "amp": "off", "images_per_second": 100.0, "steps_per_epoch": 2,
        "history": history(epochs, best, held_out=fold is not None),
    }  # fmt: skip
    if fold is None:
        return TrainAllOutcome.model_validate(common)
    return TrainFoldOutcome.model_validate(
        common | {"predictions": NOWHERE, "fold": fold, "macro_f1": best, "accuracy": best}
    )


@pytest.fixture
def ran(workspace: Workspace) -> Ran:
    """Return what records a run: its name, number, trainings, and the run that it is part of."""

    def record(
        name: str, number: int, trained: Sequence[TrainOutcome], parent: RunRecord | None = None, **changed: object
    ) -> RunRecord:
        jobs = []
        for place, outcome in enumerate(trained):
            stage = "train_fold" if isinstance(outcome, TrainFoldOutcome) else "train_all"
            key = f"{number:08x}{place:08x}"
            workspace.write(f"{stage}/{key}/{OUTCOME_FILE}", outcome.model_dump_json().encode())
            params = {"network": outcome.network}
            jobs.append(
                JobRecord(stage=stage, key=key, label=stage, started=BEGIN, ended=BEGIN, status="FINISHED",
                          params=params)
            )  # fmt: skip
        made = RunRecord(
            id=f"20260101T{number:06d}-{number:08x}",
            parent=parent.id if parent else None,
            name=name,
            experiment="tests",
            data="/photos/data",
            recipe=dump_recipe(load_recipe("smoke")),
            classes=("a", "b"),
            tags={},
            host="nowhere",
            started=BEGIN + 1000 * number,
            alive=BEGIN,
            ended=BEGIN + 5000,
            status="FINISHED",
            jobs=tuple(jobs),
        ).model_copy(update=changed)
        made.save(workspace)
        return made

    return record
