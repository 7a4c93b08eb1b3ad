"""Variants from the command line and from study files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.errors import RecipeError
from maskfold.recipe import load_recipe
from maskfold.study.plan import BASE, Study, make_study, parse_vary, read_study, with_seed


def test_one_factor_at_a_time_and_a_grid() -> None:
    vary = parse_vary(["networks.joint.loss=cross-entropy,focal", "networks.joint.cutmix.p=0,0.5"])
    single = Study(vary=vary).expand()
    assert [one.name for one in single] == [BASE, "loss=cross-entropy", "loss=focal", "p=0", "p=0.5"]
    assert [one.factor for one in single[1:3]] == ["networks.joint.loss"] * 2
    grid = Study(vary=vary, grid=True).expand()
    assert len(grid) == 5
    assert grid[-1].set == ("networks.joint.loss=focal", "networks.joint.cutmix.p=0.5")
    for variant in (*single, *grid):
        load_recipe("fast", variant.set)


def test_values_may_have_commas_in_brackets() -> None:
    assert parse_vary(["networks.*.size=[64, 48],[32,24]", "a.b={x: 1, y: 2}"]) == {
        "networks.*.size": [[64, 48], [32, 24]],
        "a.b": [{"x": 1, "y": 2}],
    }


def test_names_are_as_long_as_they_must_be_to_differ() -> None:
    vary = {"networks.joint.epochs": [3], "networks.age.epochs": [3], "folds.k": [2]}
    names = [one.name for one in Study(vary=vary).expand()]
    assert names == [BASE, "joint.epochs=3", "age.epochs=3", "k=2"]


@pytest.mark.parametrize("wrong", ["", "a", "=1", "a=", "a=1,,2", "a=[1"])
def test_vary_without_key_or_values_is_refused(wrong: str) -> None:
    with pytest.raises(RecipeError, match="--vary"):
        parse_vary([wrong])


def test_a_study_file(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "name: losses\nrecipe: fast\nset: ['folds.k=2']\nseeds: 2\n"
        "variants:\n  focal: {networks.joint.loss: focal}\n  long: ['networks.*.epochs=9']\n"
    )
    study = read_study(str(path))
    assert [(one.name, one.set) for one in study.expand()] == [
        (BASE, ()),
        ("focal", ("networks.joint.loss=focal",)),
        ("long", ("networks.*.epochs=9",)),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "study"),
        ("[1]", "study"),
        ("recipe: fast", "nothing to compare"),
        ("vary: {a.b: []}", "a.b has no values"),
        ("variants: {base: ['a=1']}", "is the recipe as it is"),
        ("vary: {a: [1]}\nseedz: 2", "seedz"),
        ("vary: {a: [1]}\nseeds: 0", "seeds"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_is_no_study_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=problem):
        read_study(str(path)).expand()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="none-such"):
        read_study(str(tmp_path / "none-such.yaml"))


def test_too_many_variants_are_refused() -> None:
    with pytest.raises(RecipeError, match="at most 200"):
        make_study({"vary": {"a": list(range(20)), "b": list(range(20))}, "grid": True}, "study").expand()


@given(st.integers(0, 19))
def test_seeds_change_the_networks_alone(number: int) -> None:
    recipe = load_recipe("fast")
    other = with_seed(recipe, number)
    assert other.folds == recipe.folds
    assert {one.seed - before.seed for one, before in zip(other.networks, recipe.networks, strict=True)} == {number}
    assert (other == recipe) == (number == 0)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,3}", fullmatch=True),
        st.lists(
            st.one_of(st.integers(-9, 9), st.floats(-1, 1, allow_nan=False), st.booleans(), st.text(max_size=5)),
            min_size=1,
            max_size=3,
            unique_by=repr,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_settings_are_read_back_as_they_were_given(vary: dict[str, list[object]]) -> None:
    from maskfold.recipe.text import load_yaml

    for variant in Study(vary=vary).expand()[1:] if len({*map(repr, vary)}) == len(vary) else ():
        (text,) = variant.set
        assert load_yaml(text.partition("=")[2]) in vary[variant.factor]
