"""The JSON schema for editors."""

from importlib import resources

import jsonschema
import pytest
import yaml

from maskfold.recipe import PRESETS, dump_recipe, dump_short, json_schema, load_recipe


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_and_printed_recipes_fit_it(preset: str) -> None:
    schema = json_schema()
    written = resources.files("maskfold.recipe").joinpath("presets", f"{preset}.yaml").read_text(encoding="utf-8")
    recipe = load_recipe(preset)
    for text in (written, dump_recipe(recipe), dump_short(recipe)):
        jsonschema.validate(yaml.safe_load(text), schema)


def test_short_settings_fit_it() -> None:
    network = {"name": "one", "loss": "focal", "cutmix": 0.4, "augmentation": "light", "ages": {"bins": [30, 60]}}
    jsonschema.validate({"scheme": "mask", "labels": {"age_bounds": [45, 60]}, "networks": [network]}, json_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": [{"name": "one", "loss": "foca"}]},
        {"networks": [{"name": "one", "epochs": 0}]},
        {"networks": [{"name": "one"}], "folds": {"k": 1}},
        {"networks": [{"name": "one"}], "fold": {"k": 3}},
        {"networks": []},
    ],
)
def test_mistakes_do_not_fit_it(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema())
