"""Detections are reused: other margins, interrupted runs, damaged shards."""

import hashlib
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from maskfold.errors import DatasetError
from maskfold.faces import Detections, Packs, cropping, detections, pack_faces
from maskfold.faces.cascade import Cascade
from maskfold.recipe import Crop, Margins
from maskfold.storage import Workspace, open_workspace

CROP = Crop(face_size=(32, 24), portrait_size=(16, 12))


@pytest.fixture(scope="module")
def data(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven drawn photographs and one without a face."""
    root = tmp_path_factory.mktemp("few")
    for number, path in enumerate(sorted(drawn_data.glob("train/images/*/*.jpg"))[:11]):
        (root / f"{number:02d}.jpg").write_bytes(path.read_bytes())
    Pillow.new("RGB", (192, 256), "navy").save(root / "11.jpg")
    return root


@pytest.fixture(scope="module")
def manifest(data: Path) -> pd.DataFrame:
    images = sorted(path.name for path in data.iterdir())
    contents = [hashlib.sha256((data / image).read_bytes()).hexdigest() for image in images]
    sizes = {"width": 192, "height": 256}
    return pd.DataFrame({"image": images, "part": "train", "sha256": contents, **sizes, "readable": True})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photographs each call of the detector searched."""
    calls: list[int] = []
    detect = Cascade.detect

    def counted(self: Cascade, images: list[np.ndarray]) -> list:
        if images:
            calls.append(len(images))
        return detect(self, images)

    monkeypatch.setattr(Cascade, "detect", counted)
    return calls


def run(manifest: pd.DataFrame, data: Path, folder: Path, workspace: Workspace | None, crop: Crop = CROP) -> Packs:
    folder.mkdir(exist_ok=True)
    kept = workspace and Detections(workspace, "v1", crop)
    return pack_faces(manifest, data, crop, folder, detections=kept)


def assert_same(one: Packs, other: Packs) -> None:
    assert one.index.equals(other.index)
    assert np.array_equal(np.load(one.faces), np.load(other.faces))
    assert np.array_equal(np.load(one.portraits), np.load(other.portraits))


def test_other_margins_and_sizes_need_no_search(
    manifest: pd.DataFrame, data: Path, workspace: Workspace, tmp_path: Path, searched: list[int]
) -> None:
    run(manifest, data, tmp_path / "a", workspace)
    assert sum(searched) > len(manifest)  # the plain picture got the closer looks too
    wider = Crop(face_size=(40, 40), portrait_size=(24, 24), margins=Margins(left=0.5, right=0.5))
    fresh = run(manifest, data, tmp_path / "b", None, wider)
    searched.clear()
    again = run(manifest, data, tmp_path / "c", workspace, wider)
    assert searched == []
    assert_same(again, fresh)


def test_an_interrupted_run_continues_behind_its_last_shard(
    manifest: pd.DataFrame,
    data: Path,
    workspace: Workspace,
    tmp_path: Path,
    searched: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cropping, "_TASK_IMAGES", 2)
    monkeypatch.setattr(detections, "SHARD_IMAGES", 4)
    fresh = run(manifest, data, tmp_path / "a", None)
    whole = sum(searched)
    good = (data / "09.jpg").read_bytes()
    (data / "09.jpg").write_bytes(b"damaged")
    try:
        with pytest.raises(DatasetError):
            run(manifest, data, tmp_path / "b", workspace)
    finally:
        (data / "09.jpg").write_bytes(good)
    searched.clear()
    assert_same(run(manifest, data, tmp_path / "c", workspace), fresh)
    assert sum(searched) == whole - 8  # two shards were complete


def test_a_damaged_shard_is_searched_again(
    manifest: pd.DataFrame,
    data: Path,
    workspace: Workspace,
    tmp_path: Path,
    searched: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fresh = run(manifest, data, tmp_path / "a", workspace)
    whole = sum(searched)
    for address in workspace.list("detections"):
        Path(workspace.locate(address)).write_bytes(b"not parquet")
    searched.clear()
    with caplog.at_level(logging.WARNING):
        assert_same(run(manifest, data, tmp_path / "b", workspace), fresh)
    assert sum(searched) == whole
    assert "is damaged" in caplog.text


def test_evaluation_photographs_that_come_or_go_cost_only_their_own_search(
    manifest: pd.DataFrame, data: Path, workspace: Workspace, tmp_path: Path, searched: list[int]
) -> None:
    parts = ["train"] * 8 + ["eval"] * 3
    faces = manifest[:11].assign(part=parts)
    run(faces[:10], data, tmp_path / "a", workspace)
    searched.clear()
    (data / "moved.jpg").write_bytes((data / "09.jpg").read_bytes())
    other = faces.drop(index=8).replace({"image": {"09.jpg": "moved.jpg"}}).reset_index(drop=True)
    found = run(other, data, tmp_path / "b", workspace)
    assert searched == [1]  # the third one alone
    assert_same(found, run(other, data, tmp_path / "c", None))
    (data / "moved.jpg").unlink()


def test_other_photographs_and_probabilities_are_kept_apart(workspace: Workspace) -> None:
    crops = [CROP, Crop(min_probability=0.8), Crop(face_size=(280, 210))]  # the last decodes photographs larger
    addresses = {Detections(workspace, version, crop).address for version in ("v1", "v2") for crop in crops}
    assert len(addresses) == 6
