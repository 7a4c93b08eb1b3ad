"""A model answers as the run did that made it."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskfold.dataset import read_manifest
from maskfold.inference.answers import answer_table, columns
from maskfold.inference.predictor import Predictor
from tests.inference.trained import Trained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def submitted(trained: Trained) -> pd.DataFrame:
    """The run's own answers for its evaluation images."""
    path = Path(trained.workspace.locate(trained.vote.address)) / "eval_probabilities.parquet"
    table = pd.read_parquet(path)
    manifest = read_manifest(trained.workspace.fetch(trained.vote.prepared.manifest))
    index = pd.read_parquet(trained.workspace.fetch(trained.vote.cropped.index))
    return table.merge(manifest[["image", "height", "width"]]).merge(
        index[["image", "status", "box_left", "box_bottom"]]
    )


def photographs(trained: Trained, table: pd.DataFrame) -> list[Path]:
    return [trained.data / image for image in table["image"]]


def test_the_evaluation_images_get_the_answers_of_the_submission(
    trained: Trained, predictor: Predictor, submitted: pd.DataFrame
) -> None:
    answers = predictor.predict(photographs(trained, submitted))
    table = answer_table(submitted["name"].tolist(), answers, predictor.model.scheme)
    assert table["image"].tolist() == submitted["name"].tolist()
    assert table["class"].tolist() == submitted["predicted_class"].tolist()
    numbered = [name for name in table if name.startswith("p") and name[1:].isdecimal()]
    assert len(numbered) == 6
    assert np.abs(table[numbered].to_numpy() - submitted[numbered].to_numpy()).max() < 1e-6
    assert table["face_status"].tolist() == submitted["status"].tolist()
    seen = submitted["status"] != "unreadable"
    for ours, theirs in (("face_left", "box_left"), ("face_bottom", "box_bottom"), ("height", "height")):
        assert np.allclose(table.loc[seen, ours], submitted.loc[seen, theirs])
    assert (~seen).sum() == 1


def test_an_answer_depends_on_its_photograph_alone(
    trained: Trained, predictor: Predictor, submitted: pd.DataFrame
) -> None:
    paths = photographs(trained, submitted)[1:8]
    together = predictor.predict(paths)
    alone = [predictor.predict([path])[0] for path in reversed(paths)]
    for one, other in zip(together, reversed(alone), strict=True):
        assert one.box == other.box
        assert np.abs(one.probabilities - other.probabilities).max() < 1e-6


def test_bytes_and_files_are_the_same(trained: Trained, predictor: Predictor, submitted: pd.DataFrame) -> None:
    path = photographs(trained, submitted)[3]
    (one,), (other,) = predictor.predict([path]), predictor.predict([path.read_bytes()])
    assert np.array_equal(one.probabilities, other.probabilities)


def test_what_cannot_be_read_gets_the_class_shares_and_a_reason(predictor: Predictor, tmp_path: Path) -> None:
    answers = predictor.predict([b"", b"nothing", tmp_path / "missing.jpg", jpeg(300, 400)])
    assert [answer.status for answer in answers][:3] == ["unreadable"] * 3
    assert answers[0].problem == "the file is empty (0 bytes)"
    assert "not an image" in (answers[1].problem or "")
    assert answers[2].problem == "the file is missing"
    for answer in answers[:3]:
        assert np.allclose(answer.probabilities, predictor.model.training.label_shares)
        assert math.isnan(answer.confidence)
    assert (answers[3].status, answers[3].problem, answers[3].height, answers[3].width) == ("fallback", None, 300, 400)


def test_nothing_asked_nothing_answered(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    table = answer_table([], [], predictor.model.scheme)
    assert list(table) == columns(predictor.model.scheme)
    assert len(table) == 0


def test_every_face_of_a_photograph(trained: Trained, predictor: Predictor, submitted: pd.DataFrame) -> None:
    everyone = Predictor.load(predictor.package, all_faces=True)
    paths = photographs(trained, submitted)
    detected = [path for path, status in zip(paths, submitted["status"], strict=True) if status == "detected"]
    left, right = (np.asarray(Image.open(path).convert("RGB").resize((192, 256))) for path in detected[2:4])
    pair = io.BytesIO()
    Image.fromarray(np.concatenate([left, right], axis=1)).save(pair, "PNG")
    answers = everyone.predict([pair.getvalue(), jpeg(64, 64)])
    boxes = sorted(answer.box for answer in answers if answer.photograph == 0)
    assert len(boxes) == 2
    assert boxes[0][0] < 192 <= boxes[1][0]
    assert [answer.face for answer in answers if answer.photograph == 0] == [0, 1]
    (last,) = [answer for answer in answers if answer.photograph == 1]
    assert (last.status, last.joint_class, last.probabilities) == ("none", None, None)
    table = answer_table(["pair", "blank"], answers, everyone.model.scheme)
    assert table["class"].isna().tolist() == [False, False, True]
    assert table["mask"].tolist()[2] == ""


def jpeg(height: int, width: int) -> bytes:
    """Return a photograph of nothing."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(stream, "JPEG")
    return stream.getvalue()
