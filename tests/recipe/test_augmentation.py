"""Presets of the augmentation: by name, with changes, printed and read back."""

import re
from pathlib import Path

import pytest

from maskfold.errors import RecipeError
from maskfold.recipe import AUGMENTATION_PRESETS, Augmentation, dump_recipe, load_recipe


@pytest.mark.parametrize("name", AUGMENTATION_PRESETS)
def test_a_preset_is_given_by_its_name_and_reads_back(name: str, tmp_path: Path):
    recipe = load_recipe("smoke", [f"networks.joint.augmentation={name}"])
    found = recipe.networks[0].augmentation
    assert found.preset == name
    assert all(getattr(found, key) == value for key, value in AUGMENTATION_PRESETS[name].items())
    file = tmp_path / "recipe.yaml"
    file.write_text(dump_recipe(recipe))
    assert load_recipe(file) == recipe


def test_changes_win_over_the_preset_whose_other_settings_stay():
    found = Augmentation.model_validate({"preset": "light", "rotation": [-3, 3], "flip": 0})
    assert (found.rotation, found.flip, found.affine) == ((-3, 3), 0, 0.5)


def test_none_changes_nothing():
    found = Augmentation.model_validate("none")
    probabilities = [found.flip, found.crop, found.affine, found.grey, found.blur, found.noise, found.erasing]
    assert not any(probabilities)
    assert (found.jitter, found.randaugment) == ("none", 0)


def test_hot6_is_that_of_the_recipe_of_the_same_name():
    original = load_recipe("hot6").networks[0].augmentation
    assert Augmentation.model_validate("hot6").model_copy(update={"preset": None}) == original


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "augmentation=heavy",
            r"networks.joint.augmentation.preset: Input should be 'none', 'light', 'hot6'",
        ),
        ("augmentation.rotation=[5, -5]", r"rotation must rise within -180.0..180.0, got \[5.0, -5.0\]"),
        ("augmentation.crop_area=[0, 1]", r"crop_area must rise within 0.05..1.0"),
        ("augmentation.blur=1.5", r"networks.joint.augmentation.blur: Input should be less than or equal to 1"),
        ("augmentation.randaugment=9", r"networks.joint.augmentation.randaugment: "),
    ],
)
def test_wrong_settings_are_named(setting: str, message: str):
    with pytest.raises(RecipeError, match=message):
        load_recipe("smoke", [f"networks.0.{setting}"])


def test_an_unknown_setting_is_answered_with_the_known_ones():
    with pytest.raises(RecipeError, match=re.escape("Did you mean 'rotation'?")):
        load_recipe("smoke", ["networks.joint.augmentation.rotatoin=[0, 1]"])
