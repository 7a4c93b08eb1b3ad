"""The job crop: a spec in, two packs, an index and an outcome out."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from maskfold.errors import EXIT_OK
from maskfold.faces.cascade import Cascade
from maskfold.launch import entry
from maskfold.launch.entry import THREADS_VARIABLE
from maskfold.recipe import Crop, Dataset, Folds, Margins
from maskfold.specs import CropOutcome, CropSpec, PrepareOutcome, PrepareSpec
from maskfold.storage import fingerprint, locate_external, open_workspace
from tasks import crop, prepare
from tests.dataset.builder import MASK, paint


@pytest.fixture(scope="module")
def spec(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> CropSpec:
    workspace = str(tmp_path_factory.mktemp("workspace"))
    where = {"workspace": workspace, "data": str(drawn_data), "fingerprint": fingerprint(str(drawn_data))}
    preparing = PrepareSpec(**where, dataset=Dataset(), scheme=MASK, folds=Folds(k=3))
    prepared = entry.run_spec(prepare.run, preparing, logging.getLogger("test"))
    assert isinstance(prepared, PrepareOutcome)
    return CropSpec(
        **where,
        manifest=prepared.manifest,
        images_version=prepared.images_version,
        crop=Crop(face_size=(48, 36), portrait_size=(32, 24)),
    )


def test_packs_and_outcome_agree(
    spec: CropSpec, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "1")
    with caplog.at_level(logging.INFO):
        outcome = entry.run_spec(crop.run, spec, logging.getLogger("test"))
    assert isinstance(outcome, CropOutcome)
    workspace = open_workspace(spec.workspace)
    faces = np.load(workspace.fetch(outcome.faces), mmap_mode="r")
    portraits = np.load(workspace.fetch(outcome.portraits), mmap_mode="r")
    index = pd.read_parquet(workspace.fetch(outcome.index))
    manifest = pd.read_parquet(workspace.fetch(spec.manifest))
    assert faces.shape == (outcome.n_images, 48, 36, 3)
    assert portraits.shape == (outcome.n_images, 32, 24, 3)
    assert index["image"].tolist() == manifest["image"].tolist()
    fallbacks = (index["status"] == "fallback").groupby(index["part"]).mean()
    assert outcome.fallback_share_train == pytest.approx(fallbacks["train"])
    assert outcome.fallback_share_eval == pytest.approx(fallbacks["eval"])
    assert outcome.images_per_second > 0
    assert outcome.n_outliers == index["outlier"].sum()
    names = {Path(figure.path).name for figure in outcome.figures}
    assert names >= {"sample.png", "boxes.png"}
    assert ("fallbacks.png" in names) == (index["status"] == "fallback").any()
    assert all(workspace.fetch(figure).read_bytes().startswith(b"\x89PNG") for figure in outcome.figures)
    assert any(message.startswith("train: ") for message in caplog.messages)
    assert any(message.startswith("eval: ") for message in caplog.messages)


def test_other_margins_are_packed_from_the_same_detections(spec: CropSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "1")
    first = entry.run_spec(crop.run, spec, logging.getLogger("test"))

    def nothing_to_search(cascade: Cascade, images: list[np.ndarray]) -> list:
        assert images == []
        return []

    monkeypatch.setattr(Cascade, "detect", nothing_to_search)
    wider = spec.crop.model_copy(update={"margins": Margins(left=1, right=1)})
    other = entry.run_spec(crop.run, spec.model_copy(update={"crop": wider}), logging.getLogger("test"))
    assert isinstance(first, CropOutcome)
    assert isinstance(other, CropOutcome)
    assert other.faces.sha256 != first.faces.sha256
    assert other.portraits.sha256 == first.portraits.sha256
    assert other.fallback_share_train == first.fallback_share_train


def test_an_external_table_leaves_the_data_sets_detections_as_they_are(
    spec: CropSpec, drawn_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, "1")
    first = entry.run_spec(crop.run, spec, logging.getLogger("test"))
    for number in range(3):
        paint(tmp_path / f"{number}.jpg", number, (96, 128))
    table = tmp_path / "faces.csv"
    table.write_text("path,gender\n0.jpg,male\n1.jpg,female\n2.jpg,male\n")
    searched: list[int] = []
    detect = Cascade.detect

    def counting(cascade: Cascade, images: list[np.ndarray]) -> list:
        searched.append(len(images))
        return detect(cascade, images)

    monkeypatch.setattr(Cascade, "detect", counting)
    outcome = entry.run_spec(crop.run, with_external(spec, table), logging.getLogger("test"))
    assert isinstance(first, CropOutcome)
    assert isinstance(outcome, CropOutcome)
    assert searched[0] == 3
    assert outcome.n_images == first.n_images + 3
    assert (outcome.fallback_share_train, outcome.fallback_share_eval) == (
        first.fallback_share_train,
        first.fallback_share_eval,
    )
    workspace = open_workspace(spec.workspace)
    before, after = (np.load(workspace.fetch(one.faces), mmap_mode="r") for one in (first, outcome))
    assert np.array_equal(after[: first.n_images], before)
    # Another table with the same photographs under other names: nothing is searched again.
    searched.clear()
    (tmp_path / "moved").mkdir()
    for number in range(3):
        (tmp_path / f"{number}.jpg").rename(tmp_path / "moved" / f"{number}.jpg")
    table.write_text("path,gender\nmoved/2.jpg,male\nmoved/1.jpg,female\n")
    fewer = entry.run_spec(crop.run, with_external(spec, table), logging.getLogger("test"))
    assert isinstance(fewer, CropOutcome)
    assert fewer.n_images == first.n_images + 2
    assert sum(searched) == 0


def with_external(spec: CropSpec, table: Path) -> CropSpec:
    """Prepare the same data set with a table, and return the crop job that follows."""
    source = locate_external(str(table))
    where = {"workspace": spec.workspace, "data": spec.data, "fingerprint": spec.fingerprint, "external": (source,)}
    preparing = PrepareSpec(**where, dataset=Dataset(external=(str(table),)), scheme=MASK, folds=Folds(k=3))
    prepared = entry.run_spec(prepare.run, preparing, logging.getLogger("test"))
    assert isinstance(prepared, PrepareOutcome)
    return CropSpec(**where, manifest=prepared.manifest, images_version=prepared.images_version, crop=spec.crop)


@pytest.mark.slow
def test_from_the_command_line(spec: CropSpec, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(spec.model_dump_json())
    done = subprocess.run([sys.executable, "-m", "tasks.crop", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_OK, done.stdout + done.stderr
