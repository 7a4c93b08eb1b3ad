"""Counts of faces by part, and by the classes of a photograph."""

import pandas as pd

from maskfold.faces import class_shares, shares
from maskfold.scheme import Attribute, Scheme

SCHEME = Scheme(
    attributes=(
        Attribute(name="cover", values=("scarf", "nothing")),
        Attribute(name="owner", of="person", values=("a", "b")),
        Attribute(name="light", bounds=(10,)),
    )
)
INDEX = pd.DataFrame(
    {
        "part": ["train", "train", "train", "eval", "external"],
        "status": ["detected", "fallback", "retried", "unreadable", "fallback"],
    }
)
MANIFEST = INDEX[["part"]].assign(
    cover=[0, 0, 1, -1, 0], owner=[0, 1, 1, -1, 0], light=[3.0, 10.0, 20.0, float("nan"), 1.0]
)


def test_by_part() -> None:
    groups = {group.group: group for group in shares(INDEX)}
    assert list(groups) == ["train", "eval", "external"]
    assert (groups["train"].images, groups["train"].fallback, groups["eval"].unreadable) == (3, 1, 1)
    assert groups["external"].fallback_share == 1
    assert groups["eval"].fallback_share == 1
    assert "without a detected face 100.00%" in str(groups["eval"])


def test_by_class_of_each_attribute_of_a_photograph_in_the_training_part() -> None:
    groups = {group.group: group for group in class_shares(INDEX, MANIFEST, SCHEME)}
    assert list(groups) == ["train, cover scarf", "train, cover nothing", "train, light <10", "train, light >=10"]
    assert groups["train, cover scarf"].fallback_share == 0.5
    assert [groups[f"train, light {name}"].images for name in ("<10", ">=10")] == [1, 2]
