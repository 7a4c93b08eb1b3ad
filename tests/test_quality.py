"""The comparison of variants in `bench/quality.py`: every variant is a recipe, and equal answers do not differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from maskfold.recipe import load_recipe
from tests.training import drawn

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Modules of the benchmark, which import each other by their own names."""
    sys.path.insert(0, str(BENCH))
    try:
        import quality_material
        import quality_scores
        import quality_variants

        yield SimpleNamespace(material=quality_material, scores=quality_scores, variants=quality_variants)
    finally:
        sys.path.remove(str(BENCH))


def test_every_variant_changes_a_network_that_can_be_trained(bench: Any):
    bench.variants.check()
    wanted = [
        (network, variant, 0)
        for subject, name in bench.variants.chosen(None)
        for network, variant in bench.variants.members(subject, name).items()
    ]
    base = load_recipe(str(bench.material.BASE_RECIPE), ["labels.age_bounds=[45, 60]"])
    recipe = bench.material.recipe_with(base, dict.fromkeys(wanted), "test_resnet")
    ours = {network.name: network.model_dump(exclude={"name"}) for network in recipe.networks[4:]}
    assert len(ours) == len(set(wanted)) > 40
    for network, _, _ in wanted:
        assert ours[f"{network}.base.0"]["backbone"] == "test_resnet"
    settings = {(network, variant): bench.variants.VARIANTS[network][variant] for network, variant, _ in wanted}
    for (network, name), variant in settings.items():
        same = ours[f"{network}.{name}.0"] == ours[f"{network}.base.0"]
        assert same == (not variant.changes), (network, name)
        load_recipe(str(bench.material.BASE_RECIPE), variant.settings)


@pytest.mark.parametrize("preset", ["fast", "good"])
def test_the_presets_are_the_variants_that_won(bench: Any, preset: str):
    shipped, subject = load_recipe(preset), {"fast": "gender-faster", "good": "good"}[preset]
    trained = {(network, variant, 0): None for network, variant in bench.variants.members("vote", subject).items()}
    backbone = shipped.networks[0].backbone
    recipe = bench.material.recipe_with(load_recipe(str(bench.material.BASE_RECIPE)), trained, backbone)
    for network, variant, seed in trained:
        ours = recipe.network(f"{network}.{variant}.{seed}").model_dump(exclude={"name", "seed"})
        assert shipped.network(network).model_dump(exclude={"name", "seed"}) == ours
    assert shipped.ensemble.weights == bench.variants.VARIANTS["vote"][subject].weights


def test_variants_are_chosen_by_subject_or_by_name(bench: Any):
    assert list(bench.variants.chosen("age/bins-5, age/uniform")) == [
        ("age", "base"),
        ("age", "bins-5"),
        ("age", "uniform"),
    ]
    with pytest.raises(ValueError, match="'age/none' is none of them; age: base, uniform"):
        list(bench.variants.chosen("age/none"))


def test_scores_are_of_halves_by_person_and_differences_are_paired(bench: Any):
    manifest, *_ = drawn.tables(people=60)
    recipe = load_recipe("smoke")
    truth = bench.scores.Truth(SimpleNamespace(manifest=manifest, recipe=recipe))
    one, other = truth.half("A"), truth.half("B")
    assert (one != other).all()
    person = truth.table["person"]
    assert not set(person[one]) & set(person[other])
    right = np.eye(18)[truth.classes("joint")]
    guess = np.random.default_rng(0).dirichlet(np.ones(18), size=len(right))
    good, bad = bench.scores.Judged("joint", right), bench.scores.Judged("joint", guess)
    assert truth.score(good) == truth.accuracy(good) == 1
    assert truth.attributes(good) == {"mask": 1, "gender": 1, "age": 1}
    assert truth.difference([bad], [bad], "A") == (0, 0, 0)
    middle, low, high = truth.difference([good, good], [bad, bad], "B")
    assert middle == pytest.approx(1 - truth.score(bad, "B"))
    assert 0.5 < low < middle < high <= 1
    assert "noise" not in bench.scores.shown((middle, low, high))
    assert bench.scores.shown((0.01, -0.02, 0.03)).endswith("noise")
