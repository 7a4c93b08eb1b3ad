"""Settings of losses, mixing, optimizers, schedules and ages that contradict each other or themselves."""

import pytest
from pydantic import ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe import Binning, Loss, determining, dump_recipe, load_recipe

MIXTURE = "{name: mixture, parts: [{name: focal, weight: 0.5}, {name: soft-f1}]}"

COVERING = "{attribute: mask, bare: not worn, worn: wear, wrong: incorrect, p: 0.5, recolour: 0.2}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("networks.joint.loss={name: mixture}", "needs parts"),
        ("networks.joint.loss={name: focal, parts: [{name: soft-f1}]}", "no other loss takes parts"),
        ("networks.joint.loss={name: mixture, parts: [" + MIXTURE + "]}", "cannot contain a mixture"),
        ("networks.joint.loss={name: mixture, parts: [{weight: 0}]}", "greater than 0"),
        ("networks.joint.loss={name: soft-f1, class_weights: effective-number}", "do not apply to soft-f1"),
        ("networks.joint.loss={name: cross-entropy, effective_beta: 1}", "less than 1"),
        ("networks.joint.loss={name: symmetric, log_zero: 0}", "less than 0"),
        (
            "networks.mask.loss.name=neighbour-smoothing",
            "targets with an attribute that has bounds; mask has no order",
        ),
        ("networks.gender.loss={name: mixture, parts: [{name: neighbour-smoothing}]}", "gender has no order"),
        ("networks.joint.loss.nmae=focal", "Did you mean 'name'"),
        ("networks.joint.cutmix={p: 0.5, shape: half, share: [0.6, 0.4]}", r"expected \[lowest, highest\]"),
        ("networks.joint={name: joint, cutmix: {p: 0.6}, mixup: {p: 0.5}}", "must not exceed 1 together"),
        ("networks.age.covering.p=0.5", "needs attribute, the one that tells whether a face is covered"),
        ("networks.joint.covering={attribute: mask, bare: wear, worn: wear, p: 1}", "must be different classes"),
        (
            "networks.gender.covering={attribute: veil, bare: none, worn: full, p: 1}",
            r"networks\.gender: covering: attribute 'veil' is none of mask, gender, age",
        ),
        (
            "networks.mask.covering={attribute: mask, bare: none, worn: wear, p: 1}",
            "bare 'none' is no class of mask; its classes: wear, incorrect, not worn",
        ),
        ("networks.mask.covering={attribute: age, bare: none, worn: wear, p: 1}", "its classes: none: it has bounds"),
        (
            "networks.joint={name: joint, input: portrait, covering: " + COVERING + "}",
            "covering draws on faces, but input is portrait",
        ),
        ("networks.joint.ages.leave_out=[[29, 27]]", r"expected \[first, last\], got \[29, 27\]"),
        ("networks.joint.ages.bins=[30, 25, 60]", "must rise"),
        ("networks.joint.ages.bins=[20, 30, 50]", r"networks\.joint: binning\.age: bins .* missing: \[60\]"),
        ("networks.joint.ages={bins: [30, 60], step: 5}", "bins and step both say where bins begin"),
        ("networks.joint.ages.step=0.1", "more than 1000 bins from 0 to 120"),
        ("networks.joint.ages.step=0", "greater than 0"),
        ("networks.joint.ages.spread=-1", "greater than or equal to 0"),
        (
            "networks.joint={name: joint, partial_labels: true, loss: soft-f1}",
            "partial_labels .* not with soft-f1",
        ),
        ("networks.mask.loss=expectation", "expectation is for targets with an attribute that has bounds; mask has no"),
        ("networks.joint.epoch_fraction=0", "greater than 0"),
        ("networks.joint.schedule={name: one-cycle, min_lr: 1}", "must be below"),
        ("networks.joint.schedule={name: cosine-restarts, min_lr: 1}", "must be below"),
        ("networks.joint.optimizer.layer_decay=0", "greater than 0"),
    ],
)
def test_contradictions_are_named(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("fast", [override])


def test_a_whole_menu_reads_back_from_its_printed_form(tmp_path) -> None:
    overrides = [
        f"networks.joint.loss={MIXTURE}",
        "networks.joint.mixup={p: 0.2, partners: other-class}",
        "networks.joint.cutmix={p: 0.5, shape: half, share: [0.4, 0.6]}",
        f"networks.joint.covering={COVERING}",
        "networks.joint.optimizer={name: sgd, decay_norms: false, layer_decay: 0.8, clip_norm: 1}",
        "networks.joint.schedule={name: one-cycle, rise: 0.2}",
        "networks.joint.sampler=balanced-cells",
        "networks.joint.epoch_fraction=0.5",
        "networks.joint.ages={leave_out: [[27, 29], [57, 59]], bins: [20, 30, 45, 60], spread: 4}",
        "networks.age.ages={step: 5, spread: 2.5}",
    ]
    recipe = load_recipe("fast", overrides)
    printed = tmp_path / "printed.yaml"
    printed.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(printed) == recipe
    assert [part.name for part in recipe.networks[0].loss.terms()] == ["focal", "soft-f1"]


def test_bins_go_with_the_bounds_of_the_training_labels() -> None:
    overrides = ["labels.train_age_bounds=[30, 58]", "networks.*.ages.bins=[20, 30, 45, 58]"]
    assert load_recipe("fast", overrides).networks[0].binning["age"].bins == (20, 30, 45, 58)


def test_a_step_needs_the_range_of_the_number() -> None:
    scheme = "scheme={attributes: [{name: size, bounds: [150, 170], unit: cm}]}"
    network = "networks=[{name: one, binning: {size: {step: 5}}}]"
    with pytest.raises(RecipeError, match="step needs an attribute with lowest and highest"):
        load_recipe("fast", [scheme, network])


def test_settings_of_bins_that_are_not_used_are_not_in_a_key() -> None:
    assert determining(Binning(bins=(30, 60))) == {"leave_out": [], "bins": [30, 60]}
    assert determining(Binning(step=5, spread=4)) == {"leave_out": [], "bins": [], "step": 5, "spread": 4}


def test_a_loss_that_is_no_mixture_is_its_own_only_term() -> None:
    loss = Loss(name="focal")
    assert list(loss.terms()) == [loss]
    with pytest.raises(ValidationError):
        Loss.model_validate({"parts": [{"name": "focal"}]})
