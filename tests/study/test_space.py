"""Search spaces: what is refused, what a trial's recipe is, and what the recipe as it is draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.errors import RecipeError
from maskfold.recipe import PRESETS, load_recipe
from maskfold.study.space import Space, default_space, make_space, read_space

LR = "networks.joint.optimizer.lr"
FAST = load_recipe("fast")


def space(given: dict[str, Any]) -> Space:
    return make_space(given, "space s.yaml")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_space_that_fits(preset: str) -> None:
    recipe, default = load_recipe(preset), default_space(preset)
    default.check(recipe, preset)
    drawn = default.drawn_by(recipe)
    assert drawn is not None
    trial = default.apply(recipe, drawn)
    assert default.drawn_by(trial) == drawn
    for own, other in zip(recipe.networks, trial.networks, strict=True):
        kept = {"optimizer": own.optimizer}  # where the weight decay may be outside of what is searched
        assert other.model_copy(update=kept) == own
        assert other.optimizer.lr == own.optimizer.lr


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "expected settings"),
        ([1], "expected settings"),
        ({LR: {"low": 1}}, "both low and high"),
        ({LR: {"low": 2, "high": 1}}, "must be below"),
        ({LR: {"low": 0.1, "high": 1, "choices": [1, 2]}}, "either low and high, or choices"),
        ({LR: {}}, "either low and high, or choices"),
        ({LR: {"low": 0, "high": 1, "log": True}}, "log needs low above 0"),
        ({LR: {"low": 0.1, "high": 1, "stp": 1}}, "unknown.*Did you mean 'step'"),
        ({LR: {"low": 0.1, "high": float("inf")}}, "finite"),
        ({LR: {"low": 0.1, "high": 1, "step": 2}}, "longer than"),
        ({LR: {"choices": [1]}}, "at least two"),
        ({LR: {"choices": [1, 1]}}, "the same one twice"),
        ({LR: {"choices": [1, 2], "log": True}}, "not for choices"),
        ({"networks.joint.optimizer.rl": {"low": 0.1, "high": 1}}, f"Did you mean '{LR}'"),
        ({"networks.joint.optimizr.lr": {"low": 0.1, "high": 1}}, f"Did you mean '{LR}'"),
        ({"networks.jont.epochs": {"low": 1, "high": 3}}, "Did you mean 'joint'"),
        ({"networks.joint.loss": {"choices": ["focl", "focal"]}}, "Did you mean 'focal'"),
        ({"networks.joint.epochs": {"low": 1.0, "high": 3.0}}, None),
        ({"networks.joint.epochs": {"low": 1.0, "high": 3.5}}, "cannot be 3.5|cannot be 2.25"),
        ({"networks.joint.epochs": {"low": 0, "high": 3}}, "cannot be 0"),
        ({"networks.joint.loss": {"low": 0.5, "high": 2, "relative": True}}, "expected a number"),
        ({"folds.k": {"low": 2, "high": 3}}, "could not be compared"),
        ({"scheme.name": {"choices": ["a", "b"]}}, "could not be compared"),
        ({LR: {"low": 0.1, "high": 1, "when": {"networks.joint.loss": "focal"}}}, "no setting of this space"),
        (
            {
                "networks.joint.loss": {"choices": ["focal", "soft-f1"]},
                LR: {"choices": [0.1, 1], "when": {"networks.joint.loss": "fokal"}},
            },
            "Did you mean 'focal'",
        ),
        (
            {LR: {"choices": [0.1, 1], "when": {"folds.k": 2}}, "folds.k": {"choices": [2, 3], "when": {LR: 1}}},
            "in a circle",
        ),
    ],
)  # fmt: skip
def test_what_is_no_space_is_refused(given: Any, problem: str | None) -> None:
    if problem is None:  # whole numbers between fractional ends are not whole: 2.0 is, and so are both ends
        space(given).check(FAST, "space s.yaml")
        return
    with pytest.raises(RecipeError, match=problem) as caught:
        space(given).check(FAST, "space s.yaml")
    assert str(caught.value).startswith("space s.yaml: ")


@pytest.mark.parametrize(("text", "problem"), [("a: [", "not valid YAML"), ("", "expected settings")])
def test_a_file_that_is_no_space_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(RecipeError, match=problem):
        read_space(str(tmp_path / "s.yaml"))
    with pytest.raises(RecipeError, match="none-such"):
        read_space(str(tmp_path / "none-such.yaml"))


def test_a_space_is_read_back_as_it_is_shown(tmp_path: Path) -> None:
    shown = default_space("fast")
    (tmp_path / "s.yaml").write_text(shown.text)
    again = read_space(str(tmp_path / "s.yaml"))
    assert again == shown
    assert list(again.searched) == list(shown.searched)


def test_conditions_come_before_what_depends_on_them() -> None:
    wanted = space(
        {
            "networks.joint.loss.gamma": {"low": 1.0, "high": 3.0, "when": {"networks.joint.loss.name": ["focal"]}},
            "networks.joint.loss.name": {"choices": ["cross-entropy", "focal"]},
        }
    )
    gamma, name = "networks.joint.loss.gamma", "networks.joint.loss.name"
    assert list(wanted.searched) == [name, gamma]
    assert wanted.active({name: 1}, gamma)
    assert not wanted.active({name: 0}, gamma)
    assert wanted.drawn_by(FAST) == {name: 0}


def test_relative_numbers_multiply_each_networks_own() -> None:
    wanted = space(
        {
            "networks.*.optimizer.lr": {"low": 0.5, "high": 2, "relative": True},
            "networks.*.epochs": {"low": 0.1, "high": 2, "relative": True},
        }
    )
    twice = wanted.apply(FAST, {"networks.*.optimizer.lr": 2.0, "networks.*.epochs": 0.1})
    for before, after in zip(FAST.networks, twice.networks, strict=True):
        assert after.optimizer.lr == 2 * before.optimizer.lr
        assert after.epochs == max(1, round(0.1 * before.epochs))
        assert after.model_copy(update={"optimizer": before.optimizer, "epochs": before.epochs}) == before


def test_settings_that_exclude_each_other_are_no_recipe() -> None:
    wanted = space({f"networks.joint.{name}.p": {"low": 0.0, "high": 1.0} for name in ("cutmix", "mixup")})
    with pytest.raises(RecipeError, match="must not exceed 1 together"):
        wanted.apply(FAST, {"networks.joint.cutmix.p": 0.6, "networks.joint.mixup.p": 0.6})


def test_a_recipe_that_the_space_cannot_express_draws_nothing() -> None:
    assert space({"networks.*.epochs": {"low": 1, "high": 9}}).drawn_by(FAST) is None
    assert space({"networks.joint.loss": {"choices": ["focal", "soft-f1"]}}).drawn_by(FAST) is None
    outside = space({"networks.joint.epochs": {"low": 10, "high": 20, "step": 5}})
    assert outside.drawn_by(FAST) == {"networks.joint.epochs": 10}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 7))
def test_what_the_recipe_draws_is_in_the_range_and_on_its_steps(low: int, width: int, step: int) -> None:
    wanted = space({"networks.joint.epochs": {"low": low, "high": low + width, "step": min(step, width)}})
    drawn = wanted.drawn_by(FAST)
    assert drawn is not None
    value = drawn["networks.joint.epochs"]
    assert isinstance(value, int)
    assert low <= value <= low + width
    assert (value - low) % min(step, width) == 0
