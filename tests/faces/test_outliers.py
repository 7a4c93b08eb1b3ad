"""Faces in a different place than in the same person's other photographs."""

import numpy as np
import pandas as pd

from maskfold.faces.outliers import outliers


def tables(boxes: list[tuple[str, float, float, float]], **columns: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return index and manifest of square boxes: person, centre x, centre y, side; photographs of 240 x 320."""
    person, x, y, side = (np.array(column) for column in zip(*boxes, strict=True))
    x, y, side = x.astype(float), y.astype(float), side.astype(float)
    index = pd.DataFrame(
        {
            "status": "detected",
            "probability": 0.999,
            "box_left": x - side / 2,
            "box_top": y - side / 2,
            "box_right": x + side / 2,
            "box_bottom": y + side / 2,
        }
    ).assign(**{name: value for name, value in columns.items() if name in {"status", "probability"}})
    part = columns.get("part", "train")
    return index, pd.DataFrame({"person": person, "part": part, "width": 240, "height": 320})


PEOPLE = [
    (name, 120 + shift + jitter, 150 + jitter, 100) for name, shift in (("a", 0), ("b", 40)) for jitter in range(5)
]


def test_people_may_differ_photographs_of_one_may_not() -> None:
    assert not outliers(*tables(PEOPLE)).any()
    flags = outliers(*tables([*PEOPLE, ("a", 120, 290, 100), ("b", 160, 150, 20)]))
    assert np.flatnonzero(flags).tolist() == [10, 11]


def test_two_photographs_do_not_show_which_is_wrong() -> None:
    assert not outliers(*tables([*PEOPLE, ("c", 120, 150, 100), ("c", 20, 300, 20)])).any()


def test_only_confident_boxes_of_training_photographs_count() -> None:
    odd = [*PEOPLE, ("a", 120, 290, 100)]
    assert outliers(*tables(odd)).sum() == 1
    assert not outliers(*tables(odd, part="eval")).any()
    assert not outliers(*tables(odd, probability=[*[0.999] * 10, 0.95])).any()
    assert not outliers(*tables(odd, status=[*["detected"] * 10, "fallback"])).any()
