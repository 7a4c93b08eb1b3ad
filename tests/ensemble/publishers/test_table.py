from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.ensemble.publishers import table
from maskfold.errors import InvariantError
from tests.ensemble.synthetic import ONE, THREE, recipe_of

SCHEME = recipe_of(THREE).scheme
NAMES = ["b.jpg", "a.jpg"]
HEADER = "image,class,class_name,glasses,glasses_probability,stature,stature_probability,hair,hair_probability"
GOOD = f"""{HEADER}
b.jpg,0,no / <1.5 / black,no,0.750000,<1.5,1.000000,black,0.500000
a.jpg,39,yes / >=1.8 / grey,yes,1.000000,>=1.8,1.000000,grey,1.000000
"""


def probabilities() -> np.ndarray:
    found = np.zeros((2, 40))
    found[0, [0, 1, 21]] = 0.5, 0.25, 0.25
    found[1, 39] = 1
    return found


def test_the_file_has_the_class_and_each_attribute_with_its_probability() -> None:
    content = table.write(NAMES, probabilities(), SCHEME)
    assert content.decode() == GOOD
    table.check(content, NAMES, SCHEME)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9), max_size=6), st.data())
def test_what_is_written_passes_the_check_and_says_what_is_most_probable(names, data) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = random.dirichlet(np.ones(40), size=len(names))
    content = table.write(names, values, SCHEME)
    table.check(content, names, SCHEME)
    rows = list(csv.DictReader(content.decode().split("\n"), strict=True))
    assert [int(row["class"]) for row in rows] == values.argmax(axis=1).tolist()
    for row, cube in zip(rows, values.reshape(-1, 2, 4, 5), strict=True):
        assert row["class_name"] == " / ".join(row[name] for name in SCHEME.names)
        hair = SCHEME["hair"].class_names.index(row["hair"])
        assert float(row["hair_probability"]) == pytest.approx(cube[:, :, hair].sum(), abs=1e-6)


def test_the_only_attribute_is_named_as_well() -> None:
    scheme = recipe_of(ONE).scheme
    content = table.write(["x"], np.array([[0.1, 0.7, 0.2]]), scheme)
    assert content.decode().splitlines()[1] == "x,1,half on,half on,0.700000"
    table.check(content, ["x"], scheme)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class_name,", "label,", "columns are image,class,label"),
        ("a.jpg,39", "c.jpg,39", "line 3: image 'c.jpg'; the data set has 'a.jpg' there"),
        ("a.jpg,39", "a.jpg,40", r"line 3: class '40' of a\.jpg; expected an integer 0\.\.39"),
        ("a.jpg,39", "a.jpg,38", "line 3: class '38' of a.jpg is 'yes / >=1.8 / blond'; the line names 'yes / >=1.8 /"),
        (",black,", ",brown,", "line 2: class '0' of b.jpg is .*the line names .*'no', '<1.5', 'brown'"),
        ("0.750000", "1.000001", r"line 2: glasses_probability '1\.000001' of b\.jpg; expected a number 0\.\.1"),
        ("0.750000", "-0.1", "glasses_probability '-0.1'"),
        ("0.750000", "nan", "glasses_probability 'nan'"),
        ("0.750000", "inf", "glasses_probability 'inf'"),
        ("0.750000", "", "glasses_probability ''"),
        (",0.500000\n", "\n", "line 2: 8 values; expected 9"),
        ("a.jpg,39,yes / >=1.8 / grey,yes,1.000000,>=1.8,1.000000,grey,1.000000\n", "", "1 rows; the data set has 2"),
    ],
)  # fmt: skip
def test_anything_else_fails(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(InvariantError, match=message):
        table.check(GOOD.replace(old, new).encode(), NAMES, SCHEME)
