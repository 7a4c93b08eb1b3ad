import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold import labels


@given(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2))
def test_encode_is_the_competitions_formula_and_decode_its_inverse(mask: int, gender: int, age: int) -> None:
    encoded = labels.encode(mask, gender, age)
    assert encoded == mask * 6 + gender * 3 + age
    decoded = labels.decode(encoded)
    assert (decoded["mask"], decoded["gender"], decoded["age"]) == (mask, gender, age)


def test_every_class_is_reached_once() -> None:
    mask, gender, age = np.meshgrid(range(3), range(2), range(3), indexing="ij")
    assert sorted(labels.encode(mask, gender, age).ravel()) == list(range(18))


@pytest.mark.parametrize(
    ("age", "bounds", "group"),
    [(29, (30, 60), 0), (30, (30, 60), 1), (59, (30, 60), 1), (60, (30, 60), 2), (58, (30, 58), 2), (45, (45, 60), 1)],
)
def test_age_bounds_are_lower_bounds(age: int, bounds: tuple[int, int], group: int) -> None:
    assert labels.age_group(age, bounds) == group


@pytest.mark.parametrize("values", [(3, 0, 0), (0, 2, 0), (0, 0, -1)])
def test_encode_refuses_values_out_of_range(values: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must be 0"):
        labels.encode(*values)


def test_decode_refuses_values_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"must be 0\.\.17"):
        labels.decode([0, 18])


def test_class_names_follow_class_order() -> None:
    names = labels.class_names("joint", (45, 60))
    assert len(names) == 18
    assert names[0] == "wear / male / <45"
    assert names[17] == "not worn / female / >=60"
    assert labels.class_names("age") == ["<30", "30-59", ">=60"]
