"""Folds: a stratified partition of people, the same on every machine."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.dataset.folds import assign_folds, check_folds, folds_version, held_out_folds, small_strata
from maskfold.errors import DatasetError, InvariantError

PEOPLE = st.dictionaries(
    st.text(min_size=1, max_size=12), st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=60
).map(
    lambda people: pd.DataFrame([(name, *strata) for name, strata in people.items()]).set_axis(
        ["person", "gender", "age_group"], axis=1
    )
)


def spread(counts: Counter[int], k: int) -> int:
    sizes = [counts[fold] for fold in range(k)]
    return max(sizes) - min(sizes)


@given(PEOPLE, st.integers(2, 8), st.integers(0, 2**40))
def test_folds_are_a_balanced_stratified_partition(people: pd.DataFrame, k: int, seed: int) -> None:
    if len(people) < k:
        with pytest.raises(DatasetError, match=f"folds.k is {k}"):
            assign_folds(people, k, seed)
        return
    folds = assign_folds(people, k, seed)
    check_folds(folds, people["person"].tolist(), k)
    assert folds["fold"].dtype == "int8"
    assert folds["person"].tolist() == sorted(people["person"])
    fold_of = dict(zip(folds["person"], folds["fold"], strict=True))
    assert spread(Counter(fold_of.values()), k) <= 1
    for _, stratum in people.groupby(["gender", "age_group"]):
        assert spread(Counter(fold_of[person] for person in stratum["person"]), k) <= 1


@given(PEOPLE, st.randoms())
def test_row_order_and_types_do_not_matter(people: pd.DataFrame, random: object) -> None:
    shuffled = people.sample(frac=1, random_state=random.randrange(2**32))  # type: ignore[attr-defined]
    shuffled = shuffled.astype({"gender": "int8", "age_group": "float64"})
    pd.testing.assert_frame_equal(assign_folds(people, 2, 7), assign_folds(shuffled, 2, 7))


def test_known_result() -> None:
    """Pinned: other machines and library versions must assign the same folds."""
    people = pd.DataFrame(
        {
            "person": [f"{number:06d}_x" for number in range(10)],
            "gender": [0, 1] * 5,
            "age_group": [0, 0, 1, 1, 2, 2, 0, 0, 1, 1],
        }
    )
    assert assign_folds(people, 3, 0)["fold"].tolist() == [1, 0, 2, 1, 1, 0, 0, 2, 0, 2]
    assert (
        folds_version(assign_folds(people, 3, 0)) == "0c93324b641a85125b449fde3606d0e538f19b0aa98b77d1c6c06ca64a5427e1"
    )


def test_seed_matters_and_version_ignores_row_order() -> None:
    people = pd.DataFrame({"person": [f"p{n}" for n in range(40)], "gender": 0, "age_group": 1})
    first, second = assign_folds(people, 5, 0), assign_folds(people, 5, 1)
    assert folds_version(first) != folds_version(second)
    assert folds_version(first) == folds_version(first[::-1])


def test_a_repeated_person_is_an_error() -> None:
    people = pd.DataFrame({"person": ["a", "a"], "gender": 0, "age_group": 1})
    with pytest.raises(ValueError, match="a appears twice"):
        assign_folds(people, 2, 0)


@pytest.mark.parametrize(
    ("persons", "numbers", "message"),
    [
        (["a", "b", "b"], [0, 0, 1], r"1 person is in more than one fold \(b\)"),
        (["a", "b"], [0, 1], r"1 person is in no fold \(c\)"),
        (["a", "b", "c", "d"], [0, 1, 0, 1], r"not in the data set \(d\)"),
        (["a", "b", "c"], [0, 0, 0], r"found \[0\]"),
        (["a", "b", "c"], [0, 1, 2], r"found \[0, 1, 2\]"),
    ],
)
def test_broken_folds_are_an_error(persons: list[str], numbers: list[int], message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        check_folds(pd.DataFrame({"person": persons, "fold": numbers}), ["a", "b", "c"], 2)


def test_each_image_has_the_fold_of_its_person() -> None:
    people = pd.Series(["b", "a", "b", "c"])
    folds = pd.DataFrame({"person": ["a", "b", "c", "d"], "fold": [0, 1, 1, 0]})
    assert held_out_folds(people, folds).tolist() == [1, 0, 1, 1]
    with pytest.raises(InvariantError, match=r"folds: 2 people are in no fold \(b, c\); each person must be held out"):
        held_out_folds(people, folds[:1])
    with pytest.raises(InvariantError, match=r"folds: 1 person is in more than one fold \(a\); folds must be person-"):
        held_out_folds(people, pd.concat([folds, pd.DataFrame({"person": ["a"], "fold": [0]})]))


def test_small_strata() -> None:
    people = pd.DataFrame({"person": list("abcdef"), "gender": [0, 0, 0, 1, 1, 1], "age_group": [0, 0, 0, 2, 1, 1]})
    assert small_strata(people, 3) == [((1, 1), 2), ((1, 2), 1)]
    assert small_strata(people, 2) == [((1, 2), 1)]
