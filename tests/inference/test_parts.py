"""Predictions of many photographs: the same bytes however the work is shared, and each photograph once."""

from __future__ import annotations

import io
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import boto3
import pandas as pd
import pytest
from PIL import Image

from flows import prediction as planning
from flows.prediction import Prediction
from maskfold import parts as ledger
from maskfold.errors import InputError
from maskfold.launch import entry
from maskfold.specs import AnswersOutcome, PredictOutcome
from tasks import answers, predict
from tests.inference.trained import Trained

pytestmark = pytest.mark.slow
_LOG = logging.getLogger("tests")


@dataclass(frozen=True)
class Done:
    """What a prediction leaves, without Prefect."""

    prediction: Prediction
    shards: list[PredictOutcome]
    joined: AnswersOutcome
    content: bytes

    @property
    def table(self) -> pd.DataFrame:
        out = self.prediction.out
        assert out is not None
        return pd.read_csv(out.uri, dtype={"image": str})


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of eight photographs, so that few make many."""
    monkeypatch.setattr(ledger, "PART_PHOTOGRAPHS", 8)
    monkeypatch.setattr(planning, "PART_PHOTOGRAPHS", 8)


@pytest.fixture(scope="module")
def photographs(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty photographs; one cannot be read."""
    folder = tmp_path_factory.mktemp("photographs")
    for number, path in enumerate(sorted((trained.data / "eval" / "images").iterdir())[:50]):
        target = folder / f"{number % 3}" / f"{number:02d}.jpg"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def perform(
    trained: Trained, images: object, folder: Path, shards: int = 20_000, threads: int = 1, **options: object
) -> Done:
    workspace = str(folder / "workspace")
    prediction = Prediction.make(
        str(images), str(folder / "answers.csv"), workspace, trained.package, shard_photographs=shards, **options
    )
    planned = prediction.listed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(entry.THREADS_VARIABLE, str(threads))
        outcomes = [entry.run_spec(predict.run, spec, _LOG) for spec in prediction.shards(planned)]
        joined = entry.run_spec(answers.run, prediction.answers(planned), _LOG)
    out = prediction.out
    assert out is not None
    out.write(prediction.workspace, joined.answers)
    prediction.parts.deliver(out.uri, planned.order)
    return Done(prediction, outcomes, joined, Path(out.uri).read_bytes())


@pytest.fixture(scope="module")
def alone(trained: Trained, photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The prediction by one job in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "PART_PHOTOGRAPHS", 8)
        patch.setattr(planning, "PART_PHOTOGRAPHS", 8)
        return perform(trained, photographs, tmp_path_factory.mktemp("alone"))


def test_the_csv_has_every_photograph_in_order_with_what_is_wrong(alone: Done, photographs: Path) -> None:
    table = alone.table
    assert table["image"].tolist() == [f"{g}/{n:02d}.jpg" for g in range(3) for n in range(g, 50, 3)]
    assert (alone.joined.photographs, alone.joined.rows, alone.joined.new_photographs) == (50, 50, 50)
    assert alone.joined.statuses["unreadable"] == 1
    (reason,) = alone.joined.unreadable
    assert reason.startswith("0/00.jpg: ")
    row = table[table["image"] == "0/00.jpg"].iloc[0]
    assert row["face_status"] == "unreadable"
    assert row["problem"] in reason
    assert sum(alone.joined.classes.values()) == 49
    numbered = [f"p{number}" for number in range(6)]
    assert (table[numbered].sum(axis=1) - 1).abs().max() < 1e-5
    assert (table[numbered].to_numpy().argmax(axis=1) == table["class"].to_numpy()).all()
    assert b"0.123456789" not in alone.content


@pytest.mark.parametrize(("shards", "count", "threads"), [(25, 3, 2), (8, 7, 1)])
def test_the_bytes_are_the_same_however_the_work_is_shared(
    trained: Trained, photographs: Path, alone: Done, tmp_path: Path, shards: int, count: int, threads: int
) -> None:
    shared = perform(trained, photographs, tmp_path, shards, threads)
    assert len(shared.shards) == count
    assert shared.content == alone.content
    assert sum(one.photographs for one in shared.shards) == 50
    assert sum(one.unreadable for one in shared.shards) == 1


def test_running_again_does_nothing_and_only_new_photographs_are_done(
    trained: Trained, photographs: Path, alone: Done, tmp_path: Path
) -> None:
    grown = Path(shutil.copytree(photographs, tmp_path / "grown", copy_function=shutil.copy2))
    first = perform(trained, grown, tmp_path)
    assert first.content == alone.content
    assert first.joined.new is None  # the output had none before
    again = perform(trained, grown, tmp_path)
    assert (again.shards, again.joined.new_photographs) == ([], 0)
    assert again.content == first.content
    (grown / "2" / "01.jpg").write_bytes((grown / "2" / "02.jpg").read_bytes())
    (grown / "0" / "03.jpg").write_bytes((grown / "0" / "06.jpg").read_bytes())
    (grown / "1" / "04.jpg").unlink()
    more = perform(trained, grown, tmp_path)
    assert [one.photographs for one in more.shards] == [2]
    before = pd.read_csv(io.BytesIO(first.content), dtype={"image": str}).set_index("image")
    now = more.table.set_index("image")
    assert sorted({*now.index} ^ {*before.index}) == ["1/04.jpg", "2/01.jpg"]
    kept = [name for name in now.index if name not in ("0/03.jpg", "2/01.jpg")]
    pd.testing.assert_frame_equal(now.loc[kept], before.loc[kept])
    assert list(now.index) == sorted(now.index)
    assert more.joined.new is not None
    added = pd.read_csv(more.prediction.workspace.fetch(more.joined.new))
    assert added["image"].tolist() == ["0/03.jpg", "2/01.jpg"]
    assert more.joined.new_photographs == 2


def test_a_job_that_is_interrupted_keeps_its_finished_parts(
    trained: Trained, photographs: Path, alone: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, finished = ledger.Parts.finish, list[str]()

    def interrupt(self: ledger.Parts, part: str, done: ledger.PartDone) -> None:
        if len(finished) == 3:
            raise KeyboardInterrupt
        finished.append(part)
        finish(self, part, done)

    with monkeypatch.context() as patch:
        patch.setattr(ledger.Parts, "finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            perform(trained, photographs, tmp_path)
    assert not (tmp_path / "answers.csv").exists()
    rest = perform(trained, photographs, tmp_path)
    assert [one.photographs for one in rest.shards] == [50 - 3 * 8]
    assert rest.content == alone.content


def test_a_table_names_photographs_its_own_way(
    trained: Trained, photographs: Path, alone: Done, tmp_path: Path
) -> None:
    table = photographs.parent / f"{photographs.name}.csv"
    names = [f"{photographs.name}/{name}" for name in reversed(alone.table["image"].tolist())]
    table.write_text("\n".join(["image", *names, names[0], "gone.jpg"]), encoding="utf-8")
    done = perform(trained, table, tmp_path)
    assert done.table["image"].tolist() == [*names, names[0], "gone.jpg"]
    assert done.table["problem"].tolist()[-1] == "the file is missing"
    assert done.table["class"].tolist()[:50] == alone.table["class"].tolist()[::-1]


def test_photographs_on_s3_are_read_by_those_who_need_them(
    trained: Trained, photographs: Path, alone: Done, tmp_path: Path, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("s3")
    for path in sorted(photographs.rglob("*.jpg")):
        key = f"photographs/{path.relative_to(photographs).as_posix()}"
        client.put_object(Bucket=s3_bucket, Key=key, Body=path.read_bytes())
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    done = perform(trained, f"s3://{s3_bucket}/photographs", tmp_path, shards=25)
    assert done.content == alone.content
    assert not list((tmp_path / "home").rglob("*.jpg"))


def test_every_face_is_a_row_and_labels_are_refused(trained: Trained, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copyfile(photographs / "1" / "01.jpg", tmp_path / "in" / "a.jpg")
    Image.new("RGB", (64, 64), (90, 120, 150)).save(tmp_path / "in" / "blank.png")
    done = perform(trained, tmp_path / "in", tmp_path, all_faces=True)
    assert done.table["image"].tolist() == ["a.jpg", "blank.png"]
    assert done.table["face_status"].tolist()[1] == "none"
    assert done.table["class"].isna().tolist() == [False, True]
    assert done.joined.drift.without_face is None
    with pytest.raises(InputError, match="leave one of the two out"):
        perform(trained, tmp_path / "in", tmp_path, all_faces=True, labels="labels.csv")


def test_labels_score_the_answers(trained: Trained, photographs: Path, alone: Done, tmp_path: Path) -> None:
    table = alone.table
    right = table[["image", "mask"]].copy()
    right.loc[3, "mask"] = next(name for name in ("wear", "incorrect") if name != right.loc[3, "mask"])
    right["gender"] = ""
    right.iloc[:40].to_csv(tmp_path / "labels.csv", index=False)
    done = perform(trained, photographs, tmp_path, labels=str(tmp_path / "labels.csv"))
    assert done.content == alone.content
    (score,) = done.joined.scores  # no gender is known, and so no joint class
    assert (score.target, score.photographs) == ("mask", 40)
    assert score.accuracy == pytest.approx(39 / 40)
    assert score.accuracy_low < score.accuracy <= score.accuracy_high <= 1
    table[["image", "class"]].to_csv(tmp_path / "classes.csv", index=False)
    done = perform(trained, photographs, tmp_path, labels=str(tmp_path / "classes.csv"))
    assert [one.target for one in done.joined.scores] == ["joint", "mask", "gender"]
    assert all(one.accuracy == 1 for one in done.joined.scores)


def test_labels_of_other_photographs_are_noticed_before_the_work(
    trained: Trained, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.csv").write_text("image,mask\nother.jpg,wear\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"names 'other.jpg', the photographs are named '0/00.jpg'"):
        perform(trained, photographs, tmp_path, labels=str(tmp_path / "labels.csv"))
    assert not list((tmp_path / "workspace").glob("predict/*"))


def test_the_report_and_the_sheet(alone: Done) -> None:
    workspace = alone.prediction.workspace
    report = json.loads(workspace.fetch(alone.joined.report).read_bytes())
    assert report["photographs"] == 50
    shares = report["drift"]["class_shares"]
    assert sum(now for now, _ in shares.values()) == pytest.approx(1)
    assert alone.joined.sheet is not None
    with Image.open(workspace.fetch(alone.joined.sheet)) as sheet:
        assert sheet.width > 600
        assert sheet.height > 700
        assert len(sheet.convert("RGB").getcolors(1 << 24) or ()) > 1000  # faces, not blanks


def test_other_photographs_than_those_of_the_training_are_told(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(20):
        Image.new("RGB", (900, 1200), (number, 120, 150)).save(tmp_path / "in" / f"{number}.jpg")
    done = perform(trained, tmp_path / "in", tmp_path)
    told = "\n".join(done.joined.drift.warnings)
    assert "no face was found in 100% of the photographs" in told
    assert "the shorter side is 900 pixels in the middle" in told


def test_a_model_that_was_changed_is_refused(trained: Trained, photographs: Path, tmp_path: Path) -> None:
    prediction = Prediction.make(str(photographs), "", str(tmp_path / "w"), trained.package)
    spec = prediction.shards(prediction.listed())[0]
    with pytest.raises(Exception, match="it was changed"):
        entry.run_spec(predict.run, replace_digest(spec), _LOG)


def replace_digest(spec: object) -> object:
    return spec.model_copy(update={"digest": "0" * 64})  # type: ignore[attr-defined]
