"""What differs between two recipes, as ``--set`` would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maskfold.recipe.loading import PRESETS, load_recipe
from maskfold.recipe.recipe import Recipe
from maskfold.recipe.reference import EACH, written

_SAID_ELSEWHERE = {("name",), ("description",), ("dataset", "reader"), ("dataset", "table")}
"""Names of the recipe, and what every run finds out about its data set."""


def changes(recipe: Recipe) -> list[str]:
    """Return how a recipe differs from the preset of its name, ``key=value`` each; empty for no preset's name.

    A change that all networks share is told once, with ``*`` for their names.
    """
    if recipe.name not in PRESETS:
        return []
    return differences(load_recipe(recipe.name, scheme=recipe.scheme.model_dump(mode="json")), recipe)


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Return the settings of the new recipe that are not as in the old one, ``key=value`` each."""
    before, after = _flat(old), _flat(new)
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    gone = [key for key in before if key not in after]
    networks = [network.name for network in new.networks]
    told: list[str] = []
    for key, value in changed.items():
        head, *rest = key
        if head == "networks" and len(rest) > 1:
            everywhere = [changed.get(("networks", name, *rest[1:])) == value for name in networks]
            if len(networks) > 1 and all(everywhere):
                key = ("networks", EACH, *rest[1:])
        text = f"{'.'.join(key)}={written(value)}"
        if text not in told:
            told.append(text)
    return told + [f"without {'.'.join(key)}" for key in _tops(gone)]


def _flat(recipe: Recipe) -> dict[tuple[str, ...], Any]:
    leaves = dict(_leaves(recipe.model_dump(mode="json"), ()))
    return {path: value for path, value in leaves.items() if path not in _SAID_ELSEWHERE}


def _leaves(node: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Return path and value of each setting; entries of lists of groups are called by their names."""
    if isinstance(node, list) and node and all(isinstance(one, Mapping) and "name" in one for one in node):
        node = {str(one["name"]): {key: value for key, value in one.items() if key != "name"} for one in node}
    if isinstance(node, Mapping) and node:
        return [leaf for name, value in node.items() for leaf in _leaves(value, (*path, str(name)))]
    return [(path, node)]


def _tops(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the networks and other settings that are gone, each network once."""
    return list(dict.fromkeys(path[:2] if path[0] == "networks" else path for path in paths))
