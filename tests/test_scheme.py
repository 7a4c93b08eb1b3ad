"""Encode, decode, products and marginals of any scheme."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from maskfold.recipe.schemes import load_scheme
from maskfold.scheme import JOINT, MAX_CLASSES, UNKNOWN, Attribute, Scheme

MASK = Scheme.model_validate(load_scheme("mask"))
N = 4


def attribute(name: str, size: int, is_number: bool) -> Attribute:
    if is_number:
        return Attribute(name=name, of="person", bounds=tuple(float(10 * number) for number in range(1, size)))
    return Attribute(name=name, values=tuple(f"{name}{number}" for number in range(size)))


schemes = st.lists(st.tuples(st.integers(2, 5), st.booleans()), min_size=1, max_size=4).map(
    lambda drawn: Scheme(attributes=tuple(attribute(f"a{place}", *one) for place, one in enumerate(drawn)))
)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Scheme, np.ndarray]:
    """A scheme and classes of its attributes, (N, attributes)."""
    scheme = draw(schemes)
    columns = [draw(arrays(np.int64, N, elements=st.integers(0, size - 1))) for size in scheme.shape]
    return scheme, np.stack(columns, axis=-1)


def distributions(n_classes: int) -> st.SearchStrategy[np.ndarray]:
    weights = arrays(np.float64, (N, n_classes), elements=st.floats(0.001, 1))
    return weights.map(lambda values: values / values.sum(axis=1, keepdims=True))


@st.composite
def predicted(draw: st.DrawFn) -> tuple[Scheme, dict[str, np.ndarray]]:
    """A scheme and probabilities of each of its attributes."""
    scheme = draw(schemes)
    return scheme, {one.name: draw(distributions(one.size)) for one in scheme.attributes}


@given(labelled())
def test_decode_is_the_inverse_of_encode(drawn: tuple[Scheme, np.ndarray]) -> None:
    scheme, labels = drawn
    classes = scheme.encode(labels)
    assert ((classes >= 0) & (classes < scheme.n_classes)).all()
    np.testing.assert_array_equal(scheme.decode(classes), labels)


@given(schemes)
def test_every_class_is_reached_once_and_the_last_attribute_changes_fastest(scheme: Scheme) -> None:
    every = list(itertools.product(*(range(size) for size in scheme.shape)))
    assert scheme.encode(every).tolist() == list(range(scheme.n_classes)) == list(range(len(every)))
    names = [
        " / ".join(one.class_names[part] for one, part in zip(scheme.attributes, parts, strict=True)) for parts in every
    ]
    assert scheme.class_names() == names


@given(labelled())
def test_columns_and_what_a_joint_class_implies_are_the_labels(drawn: tuple[Scheme, np.ndarray]) -> None:
    scheme, labels = drawn
    for target in scheme.targets:
        classes = scheme.column(labels, target)
        implied = scheme.implied(target, classes)
        assert set(implied) == ({JOINT, *scheme.parts} if scheme.is_whole(target) else {target})
        for name, found in implied.items():
            np.testing.assert_array_equal(found, scheme.column(labels, name))


@given(predicted())
def test_a_product_is_a_distribution_whose_marginals_are_its_factors(drawn: tuple[Scheme, dict]) -> None:
    scheme, factors = drawn
    joint = scheme.product(factors)
    assert joint.shape == (N, scheme.n_classes)
    np.testing.assert_allclose(joint.sum(axis=1), 1, rtol=1e-12)
    marginals = scheme.marginals(joint)
    assert tuple(marginals) == scheme.names
    for name, values in factors.items():
        np.testing.assert_allclose(marginals[name], values, rtol=1e-12)


@given(predicted())
def test_a_product_multiplies_the_attributes_of_each_class(drawn: tuple[Scheme, dict]) -> None:
    scheme, factors = drawn
    joint = scheme.product(factors)
    for number, parts in enumerate(scheme.decode(np.arange(scheme.n_classes))):
        expected = np.prod([factors[name][:, part] for name, part in zip(scheme.names, parts, strict=True)], axis=0)
        np.testing.assert_allclose(joint[:, number], expected, rtol=1e-12)


@given(predicted())
def test_the_best_class_of_a_product_is_made_of_the_best_attributes(drawn: tuple[Scheme, dict]) -> None:
    scheme, factors = drawn
    joint = scheme.product(factors)
    best = scheme.encode(np.stack([factors[name].argmax(axis=1) for name in scheme.names], axis=-1))
    np.testing.assert_allclose(joint[np.arange(N), best], joint.max(axis=1), rtol=1e-12)


@given(schemes, st.data())
def test_marginals_are_distributions(scheme: Scheme, data: st.DataObject) -> None:
    marginals = scheme.marginals(data.draw(distributions(scheme.n_classes)))
    for one in scheme.attributes:
        assert marginals[one.name].shape == (N, one.size)
        np.testing.assert_allclose(marginals[one.name].sum(axis=1), 1, rtol=1e-12)


def test_nothing_is_no_special_case() -> None:
    empty = {one.name: np.zeros((0, one.size)) for one in MASK.attributes}
    assert MASK.product(empty).shape == (0, 18)
    assert {name: values.shape for name, values in MASK.marginals(np.zeros((0, 18))).items()} == {
        "mask": (0, 3), "gender": (0, 2), "age": (0, 3),
    }  # fmt: skip
    assert MASK.encode(np.zeros((0, 3))).shape == (0,)
    assert MASK.decode(np.zeros(0)).shape == (0, 3)


@given(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2))
def test_the_preset_has_the_competitions_formula(mask: int, gender: int, age: int) -> None:
    assert MASK.encode([mask, gender, age]) == mask * 6 + gender * 3 + age


def test_names_of_the_preset_follow_class_order() -> None:
    names = MASK.with_bounds({"age": (45, 60)}).class_names()
    assert (len(names), names[0], names[17]) == (18, "wear / male / <45", "not worn / female / >=60")
    assert MASK.class_names("age") == ["<30", "30-59", ">=60"]
    assert MASK.parts == ("mask", "gender", "age")


@pytest.mark.parametrize(
    ("number", "bounds", "group"),
    [(29, (30, 60), 0), (30, (30, 60), 1), (59, (30, 60), 1), (60, (30, 60), 2), (45, (45, 60), 1), (59.9, (60,), 0)],
)
def test_bounds_are_lower_bounds(number: float, bounds: tuple[float, ...], group: int) -> None:
    assert Attribute(name="age", bounds=bounds).classes(number) == group


def test_labels_are_the_classes_of_what_is_stated() -> None:
    stated = {"mask": [0, UNKNOWN], "gender": [1, 0], "age": [np.nan, 60]}
    assert MASK.labels(stated).tolist() == [[0, 1, UNKNOWN], [UNKNOWN, 0, 2]]


@pytest.mark.parametrize("labels", [[3, 0, 0], [0, 2, 0], [0, 0, UNKNOWN]])
def test_classes_out_of_range_are_no_joint_class(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"(mask|gender|age) classes must be 0\.\."):
        MASK.encode(labels)


@pytest.mark.parametrize("classes", [[0, 18], [-1, 3]])
def test_joint_classes_out_of_range_have_no_labels(classes: list[int]) -> None:
    with pytest.raises(ValueError, match=r"must be 0\.\.17"):
        MASK.decode(classes)


def test_training_bounds_change_the_scheme_for_training_alone() -> None:
    age = Attribute(name="age", bounds=(30, 60), train_bounds=(28, 62))
    scheme = Scheme(attributes=(age,))
    assert scheme.for_training()["age"].bounds == (28, 62)
    assert scheme["age"].bounds == (30, 60)
    assert MASK.for_training() == MASK


def test_the_only_attribute_is_the_joint_class() -> None:
    scheme = Scheme(attributes=(Attribute(name="state", values=("on", "off")),))
    assert scheme.parts == ()
    assert scheme.is_whole("state")
    assert scheme.class_names() == scheme.class_names("state") == ["on", "off"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "image", "values": ["a", "b"]}, "'image' is the name of a column"),
        ({"name": "class_name", "values": ["a", "b"]}, "'class_name' is the name of a column"),
        ({"name": "age_probability", "bounds": [3]}, "'age_probability' is the name of a column"),
        ({"name": "x"}, "x needs values"),
        ({"name": "x", "values": ["a", "b"], "bounds": [3]}, "not both"),
        ({"name": "x", "values": ["a"]}, "needs two classes"),
        ({"name": "x", "values": ["a", "A "]}, "must be distinct"),
        ({"name": "x", "bounds": [3, 3]}, "bounds must rise"),
        ({"name": "x", "bounds": [3, 4], "train_bounds": [3]}, "as many as bounds, 2"),
        ({"name": "x", "bounds": [3], "lowest": 4, "highest": 9}, "above 4 and at most 9"),
    ],
)
def test_attributes_that_cannot_be(settings: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Attribute.model_validate(settings)


def test_schemes_that_cannot_be() -> None:
    with pytest.raises(ValidationError, match="used twice: a0"):
        Scheme(attributes=(attribute("a0", 2, False), attribute("a0", 3, False)))
    large = tuple(attribute(f"a{place}", 25, False) for place in range(3))
    with pytest.raises(ValidationError, match=rf"15625 joint classes are more than {MAX_CLASSES}"):
        Scheme(attributes=large)


@pytest.mark.parametrize(
    ("name", "text", "stated"),
    [("mask", "Not_Worn", 2), ("mask", " wear ", 0), ("mask", "1", 1), ("age", "31.5", 31.5), ("gender", "FEMALE", 1)],
)
def test_cells_are_read_in_any_case(name: str, text: str, stated: float) -> None:
    assert MASK[name].parse(text) == stated


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mask", "on", "mask 'on' is none of wear, incorrect, not worn or 0, 1, 2"),
        ("age", "old", "age 'old' is not a number of years"),
        ("age", "nan", "not a number"),
        ("age", "-3", r"age -3 .*0\.\.120"),
    ],
)
def test_cells_that_state_nothing_usable(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MASK[name].parse(text)
