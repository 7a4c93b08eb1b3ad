"""Recipes that stand for too much, and settings beyond all use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe import Crop, Margins, Normalisation, load_recipe

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "more than 20,000 values"),
        ("a: &a {x: 1}\nb: {<<: [" + ", ".join(["*a"] * 20_000) + "]}", "more than 20,000 values"),
        ("name: &a [*a]", "contains itself"),
        ("folds: {k: " + "9" * 50_000 + "}", "a number of 50,000 characters"),
        ("folds: {k: 0x" + "f" * 50_000 + "}", "a number of 50,002 characters"),
        ("folds: {k: 1" + ":59" * 20_000 + "}", "a number of 60,001 characters"),
        ("[" * 5000, "more than 100 levels"),
        ("{a: " * 20_000, "more than 100 levels"),
        ("- " * 60_000, "more than 100 levels"),
        ("[" + "a," * 60_000 + "]", "more than 20,000 values"),
        ("".join(f"k{number}: v\n" for number in range(11_000)), "more than 20,000 values"),
        ("a" * 200_000, "more than 131,072 bytes"),
    ],
)
def test_text_that_stands_for_too_much_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=reason):
        load_recipe(path)


def test_overrides_have_the_same_limits() -> None:
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_recipe("smoke", ["folds.k=" + "9" * 10_000])


def test_a_pipe_is_no_recipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.yaml")
    with pytest.raises(RecipeError, match="neither a preset"):
        load_recipe(tmp_path / "recipe.yaml")


@pytest.mark.parametrize(
    "override",
    [
        "scheme.attributes=null",
        "scheme.attributes=5",
        "scheme.attributes.1=0.5",
        "scheme.attributes.0.name=null",
        "scheme.attributes.age.range=5",
        "scheme={attributes: [{values: [a, b]}]}",
        "scheme={attributes: [{name: size, bounds: [5], highest: 3}]}",
        ".".join(["a"] * 2000) + "=1",
        "networks.*.backbone=../../etc/x",
        "networks.*.backbone=local-dir:/etc",
    ],
)
def test_odd_schemes_and_names_are_refused(override: str) -> None:
    with pytest.raises(RecipeError) as refused:
        load_recipe("smoke", [override])
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    "override",
    [
        "networks.*.epochs=1000000000000",
        "networks.*.batch_size=100000000000000000000",
        "networks.*.micro_batch=100000000000000000000",
        "networks.*.seed=100000000000000000000",
        "networks.*.loss.gamma=1e308",
        "networks.*.optimizer.weight_decay=1e9",
        "networks.*.schedule={name: step, step_epochs: 1e300}",
        "networks.*.size=[4096, 4096]",
        "crop.face_size=[4096, 4096]",
        "crop.margins.left=1e308",
        "folds.seed=-1",
        "ensemble.weights={joint: 1e308}",
        "checkpoint_seconds=1e300",
        "max_job_restarts=1000000000000",
    ],
)
def test_settings_beyond_all_use_are_refused(override: str) -> None:
    with pytest.raises(RecipeError, match=r"setting\(s\) are wrong"):
        load_recipe("smoke", [override])


def test_margins_are_bounded_in_their_unit() -> None:
    assert Margins(left=500, unit="pixel").left == 500
    with pytest.raises(ValidationError, match="the face would be a few pixels"):
        Margins(left=500)


def test_sizes_say_what_they_cost() -> None:
    assert Crop(face_size=(1024, 1024)).face_size == (1024, 1024)
    with pytest.raises(ValidationError, match="more than 60 GB"):
        Crop(face_size=(1024, 1025))


@pytest.mark.parametrize(
    ("mean", "std", "reason"),
    [
        ([127.5, 127.5, 127.5], [0.5, 0.5, 0.5], "divide values in 0..255 by 255"),
        ([0.5, 0.5, 0.5], [58.0, 57.0, 57.0], "divide values in 0..255 by 255"),
        ([0.5, 0.5, 0.5], [1e-300, 0.5, 0.5], "at least 0.001"),
    ],
)
def test_the_scale_of_inputs_is_checked(mean: list[float], std: list[float], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Normalisation(source="given", mean=mean, std=std)  # type: ignore[arg-type]


def test_all_presets_are_within_the_limits() -> None:
    for name in ("smoke", "fast", "good", "best", "hot6"):
        assert load_recipe(name).networks
