from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maskfold.ensemble.publishers import competition
from maskfold.errors import InvariantError
from tests.ensemble.synthetic import recipe

SCHEME = recipe().scheme


def to_csv(images: list[str], answers: list[int]) -> bytes:
    return competition.write(images, np.eye(18)[answers].reshape(-1, 18), SCHEME)


def check(content: bytes, names: list[str]) -> None:
    competition.check(content, names, SCHEME)


def answered(images: list[str]) -> st.SearchStrategy[tuple[list[str], list[int]]]:
    return st.tuples(st.just(images), st.lists(st.integers(0, 17), min_size=len(images), max_size=len(images)))


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
rows = st.lists(text, max_size=8, unique=True).flatmap(answered)
GOOD = b"ImageID,ans\nb.jpg,0\na.jpg,17\n"
NAMES = ["b.jpg", "a.jpg"]


@given(rows)
def test_what_is_written_passes_the_check(table) -> None:
    images, answers = table
    check(to_csv(images, answers), images)


@pytest.mark.parametrize("name", ["a\rb.jpg", "a\r\nb", "\n", "a,b.jpg", 'q"q.jpg', " a.jpg ", "'a'", "=1", "\ufeffa"])
def test_any_name_is_written_back_as_it_is(name: str) -> None:
    content = to_csv([name, "b.jpg"], [3, 4])
    check(content, [name, "b.jpg"])
    assert content.endswith(b"\nb.jpg,4\n")


@given(rows, st.randoms(use_true_random=False))
def test_another_order_or_another_set_of_rows_fails(table, random) -> None:
    images, answers = table
    others = random.sample(images, len(images) - random.randint(0, 1)) if images else ["x"]
    assume(others != images)
    with pytest.raises(InvariantError, match=r"info\.csv has"):
        check(to_csv(images, answers), others)


@given(rows, st.integers().filter(lambda answer: not 0 <= answer <= 17), st.data())
def test_an_answer_out_of_range_fails(table, answer, data) -> None:
    images, answers = table
    assume(images)
    place = data.draw(st.integers(0, len(images) - 1))
    lines = to_csv(images, answers).decode().split("\n")
    before, _, _ = lines[place + 1].rpartition(",")
    wrong = "\n".join([*lines[: place + 1], f"{before},{answer}", *lines[place + 2 :]])
    with pytest.raises(InvariantError, match=rf"line {place + 2}: ans '{answer}' of .*expected an integer 0..17"):
        check(wrong.encode(), images)


def test_the_file_is_what_the_competition_expects() -> None:
    assert to_csv(NAMES, [0, 17]) == GOOD
    check(GOOD, NAMES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "with a header"),
        (b"\xff\xfe", "UTF-8"),
        (b"ImageID,answer\nb.jpg,0\na.jpg,17\n", "columns are ImageID,answer; expected ImageID,ans"),
        (b"ImageID,ans\nb.jpg,0\n", "1 rows; info.csv has 2"),
        (GOOD + b"a.jpg,17\n", "3 rows; info.csv has 2"),
        (b"ImageID,ans\na.jpg,17\nb.jpg,0\n", "line 2: ImageID 'a.jpg'; info.csv has 'b.jpg' there"),
        (b"ImageID,ans\nb.jpg,0\na.jpg\n", "line 3: 1 values; expected 2"),
        (b"ImageID,ans\nb.jpg,0.0\na.jpg,17\n", "line 2: ans '0.0' of b.jpg"),
        (b"ImageID,ans\nb.jpg,\na.jpg,17\n", "line 2: ans '' of b.jpg"),
        (b"ImageID,ans\nb.jpg,00\na.jpg,17\n", "line 2: ans '00' of b.jpg"),
        (b"ImageID,ans\nb.jpg,nan\na.jpg,17\n", "line 2: ans 'nan' of b.jpg"),
        ("ImageID,ans\nb.jpg,٣\na.jpg,17\n".encode(), "line 2: ans '٣' of b.jpg"),
    ],
)
def test_anything_else_fails(content: bytes, message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        check(content, NAMES)
