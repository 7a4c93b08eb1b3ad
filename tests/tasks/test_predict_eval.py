"""The job predict_eval: networks from their files alone predict the evaluation images."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from maskfold.errors import InvariantError
from maskfold.inference.network import FinishedNetwork
from maskfold.launch import entry
from maskfold.launch.folder import find_outcome
from maskfold.specs import NO_FOLD, PredictEvalSpec, TrainFoldSpec
from maskfold.storage import Workspace, open_workspace
from tasks import predict_eval, train_fold
from tests.training import drawn

EVALUATION = [f"eval/images/{number}.jpg" for number in range(5)]


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> list[TrainFoldSpec]:
    """Two finished trainings of one network in one workspace."""
    folder = tmp_path_factory.mktemp("predict_eval")
    specs = [drawn.training_spec(folder, drawn.network(target="joint", epochs=1), fold=fold) for fold in (0, 1)]
    for spec in specs:
        entry.run_spec(train_fold.run, spec, logging.getLogger("test"))
    return specs


def workspace_of(folds: list[TrainFoldSpec]) -> Workspace:
    return open_workspace(folds[0].workspace)


def asking(folds: list[TrainFoldSpec], **changes: object) -> PredictEvalSpec:
    first, workspace = folds[0], workspace_of(folds)
    outcomes = [find_outcome(workspace, spec) for spec in folds]
    return PredictEvalSpec(
        workspace=first.workspace,
        network=first.network,
        trained_keys=tuple(spec.key for spec in folds),
        folds=(0, NO_FOLD),
        weights=tuple(outcome.weights for outcome in outcomes if outcome is not None),
        eval_version="1",
        crop=first.crop,
        typical_face=first.typical_face,
        pack=first.pack,
        index=first.index,
        manifest=first.manifest,
    ).model_copy(update=changes)


def predictions(spec: PredictEvalSpec) -> pd.DataFrame:
    outcome = entry.run_spec(predict_eval.run, spec, logging.getLogger("test"))
    assert outcome.images_per_second > 0
    return pd.read_parquet(open_workspace(spec.workspace).fetch(outcome.predictions))


def test_every_training_predicts_every_evaluation_image(folds: list[TrainFoldSpec]) -> None:
    spec = asking(folds)
    table = predictions(spec)
    assert table.columns.tolist() == ["image", "part", "fold", *(f"p{number}" for number in range(18))]
    assert table["image"].tolist() == EVALUATION * 2
    assert set(table["part"]) == {"eval"}
    assert table["fold"].tolist() == [0] * 5 + [NO_FOLD] * 5
    assert (table["fold"].dtype, table["p0"].dtype) == (np.int8, np.float32)
    network = FinishedNetwork.load(workspace_of(folds).fetch(spec.weights[1]), torch.device("cpu"))
    manifest, *_ = drawn.tables()
    rows = np.flatnonzero(manifest["part"] == "eval")
    expected = network.predict(drawn.images(drawn.pack(manifest)), rows)
    assert np.array_equal(table.iloc[5:, 3:].to_numpy(), expected)


def test_an_image_that_cannot_be_read_could_be_anything(folds: list[TrainFoldSpec], tmp_path: Path) -> None:
    _, _, index = drawn.tables()
    index.loc[index["image"] == EVALUATION[2], "status"] = "unreadable"
    index.to_parquet(tmp_path / "index.parquet", index=False)
    file = workspace_of(folds).publish(tmp_path / "index.parquet", "inputs/unreadable.parquet")
    values = predictions(asking(folds, index=file, eval_version="2")).iloc[:, 3:].to_numpy()
    assert np.allclose(values[[2, 7]], 1 / 18)
    assert not np.allclose(values[1], 1 / 18)


def test_an_image_without_a_place_in_the_pack_is_named(folds: list[TrainFoldSpec], tmp_path: Path) -> None:
    _, _, index = drawn.tables()
    index[index["image"] != EVALUATION[4]].to_parquet(tmp_path / "index.parquet", index=False)
    file = workspace_of(folds).publish(tmp_path / "index.parquet", "inputs/short.parquet")
    with pytest.raises(InvariantError, match=r"1 evaluation images are not in the pack, first eval/images/4\.jpg"):
        predictions(asking(folds, index=file, eval_version="3"))


def test_the_key_covers_trainings_images_and_crops(folds: list[TrainFoldSpec]) -> None:
    spec = asking(folds)
    moved = {"pack": folds[0].index, "index": folds[0].pack, "manifest": folds[0].pack, "weights": spec.weights[::-1]}
    assert spec.model_copy(update=moved).key == spec.key
    for change in ({"trained_keys": ("a", "b")}, {"eval_version": "9"}, {"folds": (0, 1)}):
        assert spec.model_copy(update=change).key != spec.key
