"""Every setting explained: meaning, allowed values, default, an example that works."""

from pathlib import Path

import pytest

from maskfold.errors import RecipeError
from maskfold.recipe import load_recipe
from maskfold.recipe.examples import example
from maskfold.recipe.explanation import explanation, overview, settings_page
from maskfold.recipe.reference import Setting, all_settings

SETTINGS = [setting for setting in all_settings() if not setting.is_group]
PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.mark.parametrize("setting", all_settings(), ids=lambda setting: setting.key)
def test_every_setting_says_what_it_means(setting: Setting) -> None:
    assert setting.meaning.endswith(".")
    assert setting.is_group or setting.allowed


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_example_is_accepted(setting: Setting) -> None:
    attribute, network = ("mask", "joint") if setting.path[-1] == "values" else ("age", "age")
    text = example(setting).replace("scheme.attributes.*", f"scheme.attributes.{attribute}")
    if ".binning.*" in text:
        text = text.replace("networks.*.binning.*", f"networks.{network}.binning.age")
    load_recipe("fast", [text])


def test_a_setting_is_found_by_its_path_its_last_name_and_its_short_form() -> None:
    assert "0.001" in explanation("networks.*.optimizer.lr")
    assert explanation("networks.joint.optimizer.lr") == explanation("lr")
    assert [line for line in explanation("alpha").splitlines() if not line.startswith(" ") and line] == [
        "networks.*.cutmix.alpha",
        "networks.*.mixup.alpha",
        "networks.*.loss.alpha",
    ]
    assert explanation("labels.age_bounds") == explanation("scheme.attributes.age.bounds")
    assert "crop.margins.left" in explanation("crop")


def test_an_unknown_setting_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'epochs'"):
        explanation("epoch")


def test_the_overview_names_all() -> None:
    assert [line.split()[0] for line in overview().splitlines()] == [setting.key for setting in SETTINGS]


def test_the_page_of_settings_is_current() -> None:
    """Otherwise run ``python -m maskfold.recipe.explanation > docs/settings.md``."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()
