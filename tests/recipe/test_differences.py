"""What differs between recipes is told as ``--set`` takes it."""

import pytest

from maskfold.recipe.differences import changes
from maskfold.recipe.loading import PRESETS, load_recipe


@pytest.mark.parametrize(
    ("preset", "given", "told"),
    [
        ("fast", ["networks.*.epochs=9"], ["networks.*.epochs=9"]),
        ("fast", ["networks.joint.covering={}"], ["networks.joint.covering={}"]),
        ("fast", ["networks.mask.augmentation={}"], ["networks.mask.augmentation={}"]),
        ("fast", ["networks.joint.covering.p=0.25"], ["networks.joint.covering.p=0.25"]),
        ("fast", ["networks.joint.cutmix.p=0"], ["networks.joint.cutmix.p=0"]),
        ("fast", ["networks.age-2=null", "folds.k=5"], ["folds.k=5", "networks.age-2=null"]),
        ("good", ["networks.age.binning={}"], ["networks.age.binning={}"]),
        ("best", ["networks.0=null", "final_fit=true"], None),
    ],
)
def test_changes_that_are_set_give_the_recipe_again(preset: str, given: list[str], told: list[str] | None) -> None:
    recipe = load_recipe(preset, given)
    said = changes(recipe)
    assert load_recipe(preset, said) == recipe
    assert told is None or said == told


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_no_changes(preset: str) -> None:
    assert changes(load_recipe(preset)) == []
