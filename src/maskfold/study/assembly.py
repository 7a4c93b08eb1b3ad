"""From a portfolio to its recipe: networks as those of a preset, with other backbones, sizes, epochs and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from maskfold.recipe import Network, Recipe
from maskfold.scheme import JOINT
from maskfold.study.portfolio import KNOWN, Portfolio, part_epochs

NAME: Final = "auto"
SMALL: Final = 0.7
"""Networks that are right less often than this on ImageNet are small; larger ones learn at half the rate."""


@dataclass(frozen=True)
class Start:
    """How a backbone is built here."""

    pretrained: bool
    """Whether there are weights."""
    amp: str
    """Precision, as measured."""


def templates(recipe: Recipe) -> tuple[Network, tuple[Network, ...]]:
    """Return the joint network of a preset, and all those of single attributes: the hardest attribute has two."""
    joint = next(network for network in recipe.networks if network.target == JOINT)
    return joint, tuple(network for network in recipe.networks if network.target != JOINT)


def parts(recipe: Recipe) -> tuple[float, ...]:
    """Return the epochs of the attribute networks, as shares of the joint network's."""
    joint, singles = templates(recipe)
    return tuple(single.epochs / joint.epochs for single in singles)


def groups(base: Recipe, portfolio: Portfolio, starts: Mapping[str, Start]) -> list[tuple[Network, ...]]:
    """Return the networks of a portfolio in the order in which they are trained: voter by voter, seed by seed.

    Args:
        base: The preset, fitted to the data set.
        portfolio: What to train.
        starts: By backbone.
    """
    joint, singles = templates(base)
    shares = parts(base)
    first: list[tuple[Network, ...]] = [
        (_like(joint, backbone, portfolio.epochs, starts),) for backbone in portfolio.joint
    ]
    if portfolio.attributes is not None:
        some = tuple(
            _like(single, portfolio.attributes, part_epochs(portfolio.epochs, share), starts)
            for single, share in zip(singles, shares, strict=True)
        )
        first.insert(1, some)
    return [
        tuple(network.model_copy(update={"seed": network.seed + seed}) for network in group)
        for seed in range(portfolio.seeds)
        for group in first
    ]


def assembled(base: Recipe, portfolio: Portfolio, networks: Sequence[Network]) -> Recipe:
    """Return the recipe of some networks of a portfolio, each with a name of its own."""
    changed = base.model_dump()
    changed["name"] = NAME
    changed["description"] = "Chosen by `maskfold auto` for a data set, a machine and a budget."
    changed["folds"]["k"] = portfolio.k
    changed["crop"] |= {"face_size": portfolio.size, "portrait_size": portfolio.size}
    changed["networks"] = [network.model_dump() for network in named(networks)]
    return Recipe.model_validate(changed)


def named(networks: Sequence[Network]) -> tuple[Network, ...]:
    """Return networks with different names: those after the first of a name get a number."""
    found = list[Network]()
    for network in networks:
        taken = {one.name for one in found}
        name, number = network.name, 2
        while name in taken:
            end = f"-{number}"
            name, number = network.name[: 40 - len(end)] + end, number + 1
        found.append(network.model_copy(update={"name": name}))
    return tuple(found)


def candidate(base: Recipe, backbone: str) -> Network:
    """Return the network that stands for a backbone when it is measured, and when its weights are looked for."""
    joint, _ = templates(base)
    return joint.model_copy(update={"backbone": backbone, "amp": "auto", "pretrained": "if-available"})


def _like(template: Network, backbone: str, epochs: int, starts: Mapping[str, Start]) -> Network:
    start = starts[backbone]
    settings = template.model_dump()
    settings |= {
        "backbone": backbone,
        "epochs": epochs,
        "amp": start.amp,
        # Weights that turn up later must not change what is trained.
        "pretrained": "if-available" if start.pretrained else "none",
    }
    if KNOWN.get(backbone, SMALL) >= SMALL and start.pretrained:
        settings["optimizer"]["lr"] = template.optimizer.lr / 2
    return Network.model_validate(settings)
