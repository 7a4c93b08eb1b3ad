"""Schemes in recipes: presets, short settings, and recipe presets that fit any scheme."""

from pathlib import Path

import pytest

from maskfold.errors import RecipeError
from maskfold.recipe import PRESETS, dump_recipe, load_recipe
from maskfold.recipe.schemes import fit_preset

FACES = {
    "name": "faces",
    "attributes": [
        {"name": "gender", "of": "person", "values": ["female", "male"]},
        {"name": "weight", "of": "person", "bounds": [60, 90], "unit": "kg"},
        {"name": "glasses", "values": ["no", "yes", "sun", "vr", "other"]},
    ],
}


def test_the_competition_is_the_preset_mask() -> None:
    scheme = load_recipe("smoke").scheme
    assert (scheme.name, scheme.shape, scheme.names) == ("mask", (3, 2, 3), ("mask", "gender", "age"))
    assert scheme.class_names()[7] == "incorrect / male / 30-59"
    assert [attribute.of for attribute in scheme.attributes] == ["photograph", "person", "person"]


def test_short_settings_stand_for_long_ones() -> None:
    short = load_recipe("fast", ["labels.age_bounds=[45,60]", "networks.age.ages.bins=[20,45,60]"])
    long = load_recipe("fast", ["scheme.attributes.age.bounds=[45,60]", "networks.age.binning.age.bins=[20,45,60]"])
    assert short == long


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("given", [FACES, {"name": "one", "attributes": [{"name": "kind", "values": ["a", "b"]}]}])
def test_every_preset_fits_any_scheme(preset: str, given: dict[str, object], tmp_path: Path) -> None:
    recipe = load_recipe(preset, scheme=given)
    assert recipe.scheme.name == given["name"]
    targets = [network.target for network in recipe.networks]
    assert "joint" in targets
    assert set(targets) in ({"joint"}, set(recipe.scheme.targets))
    assert recipe.dataset.corrections is None
    printed = tmp_path / "printed.yaml"
    printed.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(printed) == recipe


def test_an_attribute_is_trained_like_the_one_that_it_resembles() -> None:
    usual, other = load_recipe("fast"), load_recipe("fast", scheme=FACES)
    for name, like in (("gender", "gender"), ("weight", "age"), ("glasses", "mask")):
        assert other.network(name).optimizer == usual.network(like).optimizer
        assert other.network(name).epochs == usual.network(like).epochs
        assert other.network(name).loss == usual.network(like).loss


@pytest.mark.parametrize(("values", "stays"), [(["wear", "incorrect", "not worn"], True), (["yes", "no"], False)])
def test_covers_of_a_preset_stay_only_with_the_classes_that_they_change(values: list[str], stays: bool) -> None:
    covering = {"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 0.5}
    networks = [{"name": "joint", "covering": covering}, {"name": "mask", "target": "mask"}]
    scheme = {
        "name": "other",
        "attributes": [{"name": "mask", "values": values}, {"name": "hat", "values": ["n", "y"]}],
    }
    joint, *rest = fit_preset({"scheme": scheme, "networks": networks})["networks"]
    assert joint.get("covering") == (covering if stays else None)
    assert [one["name"] for one in rest] == ["mask", "hat"]


def test_a_scheme_in_the_recipe_wins_over_the_data_sets() -> None:
    assert load_recipe("fast", ["scheme=mask"], FACES).scheme.name == "mask"
    named = load_recipe("fast", ["scheme.attributes.weight.bounds=[170]"], FACES)
    assert named.scheme["weight"].class_names == ["<170", ">=170"]


def test_bounds_replace_values_and_values_bounds() -> None:
    bounded = load_recipe("fast", ["scheme.attributes.glasses.bounds=[1, 2]"], FACES).scheme["glasses"]
    assert (bounded.values, bounded.bounds) == ((), (1, 2))
    named = load_recipe("fast", ["scheme.attributes.weight.values=[light, heavy]"], FACES).scheme["weight"]
    assert (named.values, named.bounds) == (("light", "heavy"), ())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["scheme=msak"], "no scheme is called 'msak'; known: mask"),
        (["scheme=[1]"], "expected a name, or a mapping with a list of attributes"),
        (
            ["labels.ages=[1,2]"],
            r"labels: unknown short setting .* labels\.age_bounds, labels\.train_age_bounds",
        ),
        (["labels.age_bounds=[200,300]"], r"age: bounds must be above 0 and at most 120, got \[200, 300\]"),
        (["labels.train_age_bounds=[30]"], "train_bounds must be as many as bounds, 2"),
        (["scheme.attributes.mask.values=[a]"], "mask: needs two classes"),
        (["scheme.attributes.mask.values=[a, A]"], "must be distinct"),
        (["scheme.attributes.mask.name=image"], "'image' is the name of a column"),
        (["scheme.attributes.gendre.values=[a,b]"], "Did you mean 'gender'"),
        (["networks.joint.target=agee"], "target 'agee' is none of joint, mask, gender, age"),
        (["networks.joint.sampler=balanced-eyes"], "balanced-cells, balanced-mask, balanced-gender, balanced-age"),
        (["networks.age.binning.gender.bins=[1]"], r"binning\.gender: attributes with bounds are: age"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_named(overrides: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("fast", overrides)


def test_a_number_without_bounds_is_asked_for_them() -> None:
    with pytest.raises(RecipeError, match=r"weight needs values, the names of its classes, or bounds"):
        load_recipe("fast", scheme={"name": "x", "attributes": [{"name": "weight"}]})
