"""Tables of true labels, in whatever form a person has them."""

from __future__ import annotations

import pytest

from maskfold.errors import DatasetError
from maskfold.given_labels import parse_labels
from maskfold.scheme import Scheme

SCHEME = Scheme.model_validate(
    {
        "attributes": [
            {"name": "hair", "values": ["dark", "fair hair"]},
            {"name": "weight", "bounds": [60, 80], "of": "person"},
        ]
    }
)


def labels(text: str) -> list[list[int]]:
    return parse_labels(text.encode(), "labels.csv", SCHEME).labels.tolist()


def test_attributes_numbers_and_groups() -> None:
    text = "image,hair,weight\n1.jpg,dark,59\n2.jpg,Fair_Hair,80\n3.jpg,,60-79\n4.jpg,1,\n"
    assert labels(text) == [[0, 0], [1, 2], [-1, 1], [1, -1]]


def test_joint_classes_by_number_and_name() -> None:
    assert labels("path,class\n1.jpg,4\n2.jpg,dark / >=80\n3.jpg,\n") == [[1, 1], [0, 2], [-1, -1]]


def test_names_are_kept_as_written_and_persons_are_optional() -> None:
    found = parse_labels(b"image,person,hair\n a/1.jpg,p,dark\nb.jpg,,dark\n", "labels.csv", SCHEME)
    assert list(found.rows) == [" a/1.jpg", "b.jpg"]
    assert found.persons == ("p", "b.jpg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hair\ndark\n", "expected a column image"),
        ("image,eyes\n1.jpg,blue\n", "do not fit the model, which predicts hair, weight"),
        ("image,hair\n1.jpg,green\n", r"line 2: hair 'green' is none of dark, fair hair"),
        ("image,class\n1.jpg,6\n", "class '6' is none of the model's, 0 to 5"),
        ("image,class,hair\n1.jpg,0,fair hair\n", "contradict each other"),
        ("image,hair\n1.jpg,dark\n1.jpg,dark\n", "line 3: '1.jpg' has a label already, on line 2"),
        ("image,hair\n1.jpg,\n", "all labels are blank"),
        ("image,hair\n", "has no row"),
    ],
)
def test_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        labels(text)
