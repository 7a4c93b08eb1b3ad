"""Each rule on outcomes made so that it must speak, and on others that it must leave alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from maskfold.ensemble.combination import Combination, combine
from maskfold.ensemble.scores import macro_f1
from maskfold.recipe import Recipe, dump_recipe, load_recipe
from maskfold.report import advice
from maskfold.report.advice import Curve
from maskfold.specs import EnsembleSpec, EpochRecord, FaceShares
from tests.ensemble.synthetic import NETWORKS, ONE, Run, World, recipe, recipe_of, run_of


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose networks of masks and genders are always right, the other two half the time."""
    world = World(n_people=60, ages=[20, 40, 60], accuracy=1.0)
    return run_of(skilled(world, {"age": 0.5, "joint": 0.5}), tmp_path_factory.mktemp("young"))


def skilled(world: World, accuracy: dict[str, float]) -> World:
    """Give some networks another accuracy."""
    for number, one in enumerate(world.tables):
        if one.network in accuracy:
            world.accuracy = accuracy[one.network]
            target = world.recipe.network(one.network).target
            world.tables[number] = type(one)(one.network, one.fold, world._predict(target, one.fold))
    return world


def with_history(spec: EnsembleSpec, network: str, losses: Sequence[float], scores: Sequence[float]) -> EnsembleSpec:
    """Give all folds of a network these curves; the others learn at once, and nothing after."""
    flat = curve([1.0, 0.5, 0.4, 0.35], [0.5, 0.8, 0.8, 0.8])
    own = curve(losses, scores)
    trained = tuple(one.model_copy(update={"history": own if one.network == network else flat}) for one in spec.trained)
    return spec.model_copy(update={"trained": trained})


def curve(losses: Sequence[float], scores: Sequence[float]) -> tuple[EpochRecord, ...]:
    train = [1 / (1 + epoch) for epoch in range(len(losses))]
    return tuple(
        EpochRecord(
            epoch=epoch, lr=0.1, train_loss=train[epoch], valid_loss=loss, valid_macro_f1=score,
            valid_accuracy=score, images_per_second=1.0,
        )
        for epoch, (loss, score) in enumerate(zip(losses, scores, strict=True))
    )  # fmt: skip


def with_recipe(run: Run, **changes) -> EnsembleSpec:
    return run.spec.model_copy(update={"recipe": recipe(**changes)})


def test_the_attribute_that_costs_most_is_named_with_what_it_costs(young: Run) -> None:
    (sentence,) = advice.costliest_attribute(*young)
    gain = float(re.search(r"raise macro-F1 by (0\.\d+)", sentence).group(1))
    vote = young.combination.vote
    labels = vote.scheme.decode(vote.predicted)
    labels[:, 2] = vote.scheme.decode(vote.true)[:, 2]
    mended = vote.scheme.encode(labels)
    assert sentence.startswith("Most is lost on age")
    assert gain == pytest.approx(macro_f1(vote.true, mended, 18) - vote.scores.macro_f1, abs=5e-4)
    # The age network sees portraits already, so that its other settings are named.
    assert "`networks.age.binning.age.leave_out=[[57,59]]`" in sentence
    assert "networks.age.input" not in sentence


def test_without_attribute_networks_they_are_what_to_try(young: Run) -> None:
    (sentence,) = advice.costliest_attribute(with_recipe(young, networks=NETWORKS[:1]), young.combination)
    assert "networks of their own for each attribute, such as one with `target=age`" in sentence


def test_settings_that_the_recipe_has_are_not_advised(young: Run) -> None:
    networks = [*NETWORKS[:3], {**NETWORKS[3], "sampler": "balanced", "binning": {"age": {"leave_out": [[27, 29]]}}}]
    (sentence,) = advice.costliest_attribute(with_recipe(young, networks=networks), young.combination)
    assert sentence.endswith("try a larger backbone for age.")


def test_nothing_is_lost_where_all_is_right(tmp_path) -> None:
    run = run_of(World(n_people=12, accuracy=1.0), tmp_path)
    assert list(advice.costliest_attribute(*run)) == []
    assert list(advice.small_classes(*run)) == []


def test_of_an_only_attribute_the_class_is_named(tmp_path) -> None:
    run = run_of(World(recipe=recipe_of(ONE), n_people=30), tmp_path)
    (sentence,) = advice.costliest_attribute(*run)
    assert re.match(r"Most is lost on the class (on|half on|off): its F1 is 0\.\d{3}, the mean 0\.\d{3}\.", sentence)


def test_a_validation_loss_that_rises_is_overfitting(young: Run) -> None:
    spec = with_history(young.spec, "joint", [1.0, 0.8, 0.9, 1.2], [0.5, 0.7, 0.7, 0.7])
    (sentence,) = advice.learning(spec)
    assert sentence.startswith("Overfitting: joint (validation loss rises from epoch 2 of 4 on); try ")
    assert "`networks.joint.augmentation=strong` and `networks.joint.loss.name=label-smoothing`" in sentence


def test_a_validation_loss_that_stays_while_the_training_loss_falls_is_too(young: Run) -> None:
    spec = with_history(young.spec, "joint", [1.0, 0.98, 0.99, 1.0], [0.5, 0.7, 0.7, 0.7])
    (sentence,) = advice.learning(spec)
    assert sentence.startswith("Overfitting: joint (validation loss stays at 1.00, training loss falls to 0.25); try ")
    solved = with_history(young.spec, "joint", [1.0, 0.98, 0.99, 1.0], [0.9, 0.97, 0.97, 0.97])
    assert list(advice.learning(solved)) == []


def test_a_score_that_still_rises_is_underfitting(young: Run) -> None:
    spec = with_history(young.spec, "age", [1.0, 0.8, 0.7, 0.6], [0.3, 0.4, 0.5, 0.62])
    (sentence,) = advice.learning(spec)
    assert "macro-F1 still rises at the end: age gained 0.120 in the last quarter" in sentence
    assert sentence.endswith("try `networks.age.epochs=20`.")


def test_networks_that_have_learnt_are_left_alone(young: Run) -> None:
    spec = with_history(young.spec, "joint", [1.0, 0.6, 0.4, 0.35], [0.5, 0.7, 0.71, 0.711])
    assert list(advice.learning(spec)) == []
    short = with_history(young.spec, "joint", [1.0, 2.0], [0.1, 0.9])
    assert list(advice.learning(short)) == []  # two epochs say nothing


def test_curves_are_means_over_the_folds_of_the_epochs_that_all_reached(young: Run) -> None:
    first, second = young.spec.trained[:2]
    folds = [
        first.model_copy(update={"history": curve([1.0, 0.5, 0.4], [0.1, 0.2, 0.3])}),
        second.model_copy(update={"history": curve([2.0, 1.5], [0.3, 0.4])}),
    ]
    found = Curve.of(folds)
    assert found.train_loss == (1.0, 0.5)
    assert found.valid_loss == pytest.approx((1.5, 1.0))
    assert found.macro_f1 == pytest.approx((0.2, 0.3))


def group(name: str, images: int, lost: int) -> FaceShares:
    return FaceShares(group=name, images=images, detected=images - lost, retried=0, fallback=lost, unreadable=0)


def test_photographs_without_faces_are_named_by_the_group_that_loses_most(young: Run) -> None:
    faces = [group("train", 1000, 21), group("train, mask wear", 100, 7), group("eval", 100, 1)]
    (sentence,) = advice.lost_faces(young.spec, faces)
    assert sentence.startswith(
        "No face was found in 7.0 % of the photographs of train, mask wear; try `crop.min_probab"
    )
    assert "input=portrait" not in sentence  # the age network sees portraits
    assert list(advice.lost_faces(young.spec, [group("train", 1000, 20), group("none", 0, 0)])) == []
    all_faces = with_recipe(young, networks=[*NETWORKS[:3], {**NETWORKS[3], "input": "face"}])
    (sentence,) = advice.lost_faces(all_faces, faces)
    assert sentence.endswith("try `crop.min_probability=0.7` or `networks.*.input=portrait`.")


def test_classes_of_few_people_are_named_with_their_score(tmp_path) -> None:
    ages = [20, 40] * 39 + [66, 66]
    run = run_of(skilled(World(n_people=80, ages=ages, accuracy=1.0), {"age": 0.6, "joint": 0.6}), tmp_path)
    (sentence,) = advice.small_classes(*run)
    assert re.match(r"\d classes of fewer than 30 people pull the mean down: \w+( \w+)? / ", sentence)
    assert ">=60 (1, F1 0." in sentence
    assert sentence.endswith("try `networks.joint.sampler=balanced`.")


def test_a_vote_that_hurts_comes_first(tmp_path) -> None:
    run = run_of(skilled(World(n_people=60, ages=[20, 40, 60], accuracy=0.95), {"joint": 0.05}), tmp_path)
    said = advice.advice(*run, [])
    assert said[0].startswith("Hand in attributes alone, 0.")
    assert said[0].endswith("above the vote: `ensemble.weights={joint: 0}`.")


def test_there_are_two_to_five_sentences(young: Run, tmp_path) -> None:
    faces = [group("train", 100, 50)]
    spec = with_history(young.spec, "age", [1.0, 0.5, 1.0, 2.0], [0.1, 0.2, 0.3, 0.4])
    assert 2 <= len(advice.advice(spec, young.combination, faces)) <= advice.MOST
    good = run_of(World(n_people=12, accuracy=1.0), tmp_path)
    flat = with_history(good.spec, "none", [], [])
    (only,) = advice.advice(flat, good.combination, [])
    assert only.startswith("On 12 people the score is known to ±0.")


@pytest.mark.parametrize("network", ["joint", "mask", "gender", "age"])
def test_what_is_advised_can_be_set(young: Run, network: str, tmp_path) -> None:
    """Every setting in every sentence, on the recipe that it is advised for."""
    faces = [group("train", 100, 50)]
    curves = [([1.0, 0.5, 1.0, 2.0], [0.1, 0.2, 0.3, 0.3]), ([1.0, 0.9, 0.8, 0.7], [0.1, 0.2, 0.3, 0.6])]
    path = tmp_path / "recipe.yaml"
    path.write_text(dump_recipe(young.spec.recipe), encoding="utf-8")
    settings = set()
    for losses, scores in curves:
        spec = with_history(young.spec, network, losses, scores)
        sentences = [
            *advice.costliest_attribute(spec, young.combination), *advice.learning(spec),
            *advice.lost_faces(spec, faces), *advice.small_classes(spec, young.combination),
            "`ensemble.weights={joint: 0}`",
        ]  # fmt: skip
        settings |= {setting for one in sentences for setting in re.findall(r"`([^`]+)`", one)}
    assert len(settings) >= 5
    for setting in settings:
        assert isinstance(load_recipe(path, [setting]), Recipe)


def test_what_counts_is_the_width_of_the_interval() -> None:
    world = World(n_people=36)
    combination: Combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    scores = combination.scores["vote"]
    half = (scores.macro_f1_high - scores.macro_f1_low) / 2
    assert f"On 36 people the score is known to ±{half:.3f}" in advice.what_counts(combination)
    assert np.isfinite(half)
