"""Printed recipes: complete, explained, short."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maskfold.recipe import PRESETS, Recipe, dump_explained, dump_recipe, dump_short, load_recipe
from maskfold.recipe.reference import all_settings

ODD = [
    "networks.*.augmentation=light",
    "networks.mask.augmentation.flip=0.1",
    "networks.age.ages.bins=[20, 30, 45, 60]",
    "networks.joint.loss={name: mixture, parts: [focal, {name: soft-f1, weight: 0.5}]}",
    "ensemble.weights={joint: 2}",
    "description='# not: a comment'",
]


@pytest.mark.parametrize("dump", [dump_recipe, dump_explained, dump_short])
@pytest.mark.parametrize(("preset", "overrides"), [*((preset, []) for preset in PRESETS), ("fast", ODD)])
def test_every_form_reads_back_to_an_equal_recipe(
    dump: Callable[[Recipe], str], preset: str, overrides: list[str], tmp_path: Path
) -> None:
    recipe = load_recipe(preset, overrides)
    printed = tmp_path / "printed.yaml"
    printed.write_text(dump(recipe), encoding="utf-8")
    assert load_recipe(printed) == recipe


def test_the_explained_form_has_the_meaning_of_every_setting_of_the_first_network_once() -> None:
    text = " ".join(dump_explained(load_recipe("fast")).replace("#", " ").split())
    for setting in all_settings():
        if setting.path[0] == "networks" and "binning" not in setting.path and "parts" not in setting.path:
            assert " ".join(setting.meaning.split()) in text
    assert text.count("Learning rate; the peak rate of a cyclic schedule.") == 1


def test_the_short_form_holds_only_what_differs() -> None:
    lines = dump_short(load_recipe("fast", ["networks.age.augmentation=light"])).splitlines()
    assert "scheme: mask" in lines
    assert "    augmentation: light" in lines
    assert not any("checkpoint_seconds" in line or "clip_norm" in line for line in lines)
    assert len(lines) < 120


def test_lists_are_in_one_line() -> None:
    assert "  face_size: [128, 96]" in dump_recipe(load_recipe("fast")).splitlines()
