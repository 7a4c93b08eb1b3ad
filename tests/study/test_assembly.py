"""From a portfolio to a recipe: valid for any scheme, every network named, the templates' settings kept."""

from __future__ import annotations

import pytest

from maskfold.recipe import Recipe, dump_recipe, load_recipe
from maskfold.scheme import JOINT
from maskfold.study.assembly import Start, assembled, candidate, groups, named, parts, templates
from maskfold.study.portfolio import Portfolio
from maskfold.study.space import default_space

STARTS = {"mobilenetv2_035": Start(True, "off"), "rexnet_100": Start(True, "bf16"), "resnet18": Start(False, "off")}
SCHEMES = {
    "of the presets": None,
    "another": {"name": "eyes", "attributes": [{"name": "eyes", "values": ["open", "closed"]}]},
}


def portfolio(**given: object) -> Portfolio:
    usual: dict[str, object] = {
        "size": (192, 144),
        "joint": ("rexnet_100", "mobilenetv2_035"),
        "attributes": "mobilenetv2_035",
        "epochs": 12,
        "k": 5,
        "seeds": 2,
        "trials": 0,
        "stages": (),
        "training": 0.0,
        "worth": 0.0,
    }
    return Portfolio(**{**usual, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_portfolio_is_a_recipe(scheme: str) -> None:
    base = load_recipe("fast", (), SCHEMES[scheme])
    voters = groups(base, portfolio(), STARTS)
    recipe = assembled(base, portfolio(), [network for some in voters for network in some])
    assert recipe.folds.k == 5
    assert recipe.crop.face_size == recipe.crop.portrait_size == (192, 144)
    assert recipe.scheme == base.scheme
    names = [network.name for network in recipe.networks]
    assert len(set(names)) == len(names) == 2 * (2 + len(templates(base)[1]))
    assert {network.target for network in recipe.networks} == set(base.scheme.targets)
    assert Recipe.model_validate(recipe.model_dump()) == recipe
    assert dump_recipe(recipe)


def test_voters_come_one_after_the_other_and_seed_by_seed() -> None:
    voters = groups(load_recipe("fast"), portfolio(), STARTS)
    assert [(some[0].target == JOINT, some[0].backbone, some[0].seed) for some in voters[:3]] == [
        (True, "rexnet_100", 0), (False, "mobilenetv2_035", 0), (True, "mobilenetv2_035", 0),
    ]  # fmt: skip
    assert [{network.seed % 1000 for network in some} for some in voters] == [{0}] * 3 + [{1}] * 3


def test_attribute_networks_keep_their_settings_and_their_share_of_the_epochs() -> None:
    base = load_recipe("fast")
    joint, singles = templates(base)
    own = groups(base, portfolio(seeds=1), STARTS)[1]
    for network, template, share in zip(own, singles, parts(base), strict=True):
        assert (network.loss, network.sampler, network.cutmix) == (template.loss, template.sampler, template.cutmix)
        assert network.epochs == max(1, round(12 * template.epochs / joint.epochs))
        assert share == template.epochs / joint.epochs


def test_networks_start_as_they_were_measured() -> None:
    base = load_recipe("fast")
    by_backbone = {
        some[0].backbone: some[0]
        for some in groups(base, portfolio(joint=tuple(STARTS), attributes=None, seeds=1), STARTS)
    }
    assert by_backbone["rexnet_100"].amp == "bf16"
    assert by_backbone["rexnet_100"].pretrained == "if-available"
    assert by_backbone["resnet18"].pretrained == "none"
    rate = templates(base)[0].optimizer.lr
    assert by_backbone["rexnet_100"].optimizer.lr == rate / 2
    assert by_backbone["mobilenetv2_035"].optimizer.lr == by_backbone["resnet18"].optimizer.lr == rate


def test_long_names_stay_names() -> None:
    long = candidate(load_recipe("fast"), "resnet18").model_copy(update={"name": "n" * 40})
    names = [network.name for network in named([long] * 12)]
    assert len(set(names)) == 12
    assert max(map(len, names)) == 40


def test_its_first_network_can_be_searched() -> None:
    base = load_recipe("fast")
    recipe = assembled(base, portfolio(), groups(base, portfolio(), STARTS)[0])
    space = default_space("auto")
    space.check(recipe, "the space")
    assert space.drawn_by(recipe) is not None
