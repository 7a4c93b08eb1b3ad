"""The drawn data set on disk: layout, determinism, what happens to folders that hold something already."""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portraits import ArgumentError, ProcessKilledError, draw
from portraits.folder import MARKER, UNFINISHED
from portraits.sittings import AGES, GENDERS, PHOTOGRAPHS, plan

SIZE = (96, 128)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "data"
    summary = draw(out, people=12, seed=3, eval_people=2, size=SIZE, processes=1)
    assert (summary.train_images, summary.eval_images, summary.drawn) == (84, 14, 98)
    return out


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_training_part_is_in_the_competition_layout(drawn: Path) -> None:
    rows = read(drawn / "train/train.csv")
    assert (drawn / "train/train.csv").read_text().splitlines()[0] == "id,gender,race,age,path"
    folders = {row["path"] for row in rows}
    assert len(rows) == 12
    assert folders == {path.name for path in (drawn / "train/images").iterdir()}
    for row in rows:
        assert row["path"] == f"{row['id']}_{row['gender']}_{row['race']}_{row['age']}"
        files = list((drawn / "train/images" / row["path"]).iterdir())
        assert sorted(file.stem for file in files) == sorted(PHOTOGRAPHS)


def test_evaluation_part_is_in_the_competition_layout(drawn: Path) -> None:
    rows = read(drawn / "eval/info.csv")
    assert (drawn / "eval/info.csv").read_text().splitlines()[0] == "ImageID,ans"
    names = [row["ImageID"] for row in rows]
    assert {row["ans"] for row in rows} == {"0"}
    assert all(re.fullmatch(r"[0-9a-f]{40}\.jpg", name) for name in names)
    assert set(names) == {path.name for path in (drawn / "eval/images").iterdir()}
    sittings = plan(people=12, seed=3, eval_people=2)
    in_order_of_drawing = [Path(file).name for s in sittings if s.part == "eval" for file in s.files]
    assert sorted(names) == sorted(in_order_of_drawing)
    assert names != in_order_of_drawing  # the order must not reveal the people


def test_files_are_what_their_names_say(drawn: Path) -> None:
    formats = Counter()
    for path in [*(drawn / "train/images").glob("*/*"), *(drawn / "eval/images").iterdir()]:
        with Image.open(path) as image:
            assert (image.size, image.mode) == (SIZE, "RGB")
            assert image.format == {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}[path.suffix]
        formats[path.suffix] += 1
    assert formats[".jpg"] > formats[".png"] > 0
    assert formats[".jpeg"] > 0


def test_equal_settings_give_equal_bytes_on_one_process_and_on_two(drawn: Path, tmp_path: Path) -> None:
    draw(tmp_path / "again", people=12, seed=3, eval_people=2, size=SIZE, processes=2)
    assert digests(tmp_path / "again") == digests(drawn)


def test_another_seed_gives_other_pictures(drawn: Path, tmp_path: Path) -> None:
    draw(tmp_path / "other", people=1, seed=4, eval_people=1, size=SIZE, processes=1)
    assert not set(digests(tmp_path / "other").values()) & set(digests(drawn).values())


def test_a_finished_set_is_kept(drawn: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob("*")}
    summary = draw(drawn, people=12, seed=3, eval_people=2, size=SIZE, processes=1)
    assert summary.drawn == 0
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob("*")} == before


def test_a_killed_drawing_is_completed(tmp_path: Path) -> None:
    out = tmp_path / "data"

    class Killed(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 14:
            raise Killed

    settings = {"people": 3, "seed": 5, "eval_people": 1, "size": SIZE, "processes": 1}
    with pytest.raises(Killed):
        draw(out, progress=stop, **settings)
    assert not (out / MARKER).exists()
    assert (out / UNFINISHED).exists()
    seen = []
    summary = draw(out, progress=lambda done, total: seen.append((done, total)), **settings)
    assert (summary.drawn, seen) == (14, [(21, 28), (28, 28)])
    draw(tmp_path / "whole", **settings)
    assert digests(out) == digests(tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_process_is_reported_and_the_same_call_draws_the_rest(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    settings = {"people": 7, "seed": 6, "eval_people": 1, "size": SIZE}
    with pytest.raises(ProcessKilledError, match=r"process was killed.*call again"):
        draw(tmp_path / "data", processes=2, progress=kill, **settings)
    assert 0 < draw(tmp_path / "data", processes=1, **settings).drawn < 56
    draw(tmp_path / "whole", processes=1, **settings)
    assert digests(tmp_path / "data") == digests(tmp_path / "whole")


def test_a_photograph_lost_from_a_finished_set_is_drawn_again(tmp_path: Path) -> None:
    settings = {"people": 1, "eval_people": 1, "size": SIZE, "processes": 1}
    draw(tmp_path, **settings)
    before = digests(tmp_path)
    next((tmp_path / "train/images").glob("*/normal.*")).unlink()
    assert draw(tmp_path, **settings).drawn == 1
    assert digests(tmp_path) == before


def test_other_settings_are_refused_in_a_drawn_folder(drawn: Path) -> None:
    with pytest.raises(ArgumentError, match=r"other settings .*seed 3.*wanted.*seed 4.*delete this one"):
        draw(drawn, people=12, seed=4, eval_people=2, size=SIZE)


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear to me")
    with pytest.raises(ArgumentError, match=r"not empty.*name another folder"):
        draw(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(ArgumentError, match="is a file"):
        draw(tmp_path / "thesis.txt")


def test_a_damaged_marker_is_no_finished_set(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("{")
    with pytest.raises(ArgumentError, match="unreadable"):
        draw(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"people": 0}, "people is 0"),
        ({"eval_people": 0}, "eval_people is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"size": (384, 20)}, "384 x 20"),
        ({"processes": 0}, "processes is 0"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        draw(tmp_path / "data", **settings)
    assert not (tmp_path / "data").exists()


@given(people=st.integers(6, 80), seed=st.integers(0, 2**32))
def test_every_gender_has_every_age_group(people: int, seed: int) -> None:
    sittings = plan(people, seed, 1)[:people]
    groups = [[low <= s.age <= high for low, high in AGES].index(True) for s in sittings]
    cells = Counter(zip((s.gender for s in sittings), groups, strict=True))
    assert len(cells) == len(GENDERS) * len(AGES)
    assert max(cells.values()) - min(cells.values()) <= 1


def test_the_summary_reads_well(drawn: Path) -> None:
    summary = draw(drawn, people=12, seed=3, eval_people=2, size=SIZE, processes=1)
    assert str(summary) == (
        f"{drawn}: 12 people for training (84 photographs), 2 for evaluation (14); was there already"
    )
