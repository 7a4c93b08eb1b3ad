"""What differs between two recipes, as ``--set`` would say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from maskfold.recipe.loading import PRESETS, load_recipe
from maskfold.recipe.recipe import Recipe
from maskfold.recipe.reference import EACH, written

_SAID_ELSEWHERE = {("name",), ("description",), ("dataset", "reader"), ("dataset", "table")}
"""Names of the recipe, and what every run finds out about its data set."""


def changes(recipe: Recipe) -> list[str]:
    """Return how a recipe differs from the preset of its name, ``key=value`` each; empty for no preset's name.

    A change that all networks share is told once, with ``*`` for their names, and a group that is empty again as
    ``networks.joint.covering={}``.
    """
    if recipe.name not in PRESETS:
        return []
    return differences(load_recipe(recipe.name, scheme=recipe.scheme.model_dump(mode="json")), recipe)


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Return the settings of the new recipe that are not as in the old one, ``key=value`` each."""
    before, after = _flat(old), _flat(new)
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    changed = _emptied(changed, _defaults(new, ()))
    gone = [
        key for key in before if key not in after and not any(key[:length] in changed for length in range(len(key)))
    ]
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
    return told + list(dict.fromkeys(_left_out(key, networks) for key in gone))


def _emptied(changed: dict[tuple[str, ...], Any], defaults: set[tuple[str, ...]]) -> dict[tuple[str, ...], Any]:
    """Return changes, with one for each group whose settings all have their defaults again, where several changed."""
    groups = {key: key[:length] for key in changed for length in range(1, len(key)) if key[:length] in defaults}
    sizes = Counter(groups.values())
    told: dict[tuple[str, ...], Any] = {}
    for key, value in changed.items():
        group = groups.get(key)
        if group is not None and sizes[group] > 1:
            told[group] = {}
        else:
            told[key] = value
    return told


def _defaults(node: Any, path: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the paths of groups that have all their settings at their defaults."""
    found: set[tuple[str, ...]] = set()
    if isinstance(node, tuple):
        for one in node:
            if isinstance(one, BaseModel) and hasattr(one, "name"):
                found |= _defaults(one, (*path, str(one.name)))
    elif isinstance(node, BaseModel):
        required = any(field.is_required() for field in type(node).model_fields.values())
        if path and not required and node == type(node)():
            found.add(path)
        for name in type(node).model_fields:
            found |= _defaults(getattr(node, name), (*path, name))
    return found


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


def _left_out(key: tuple[str, ...], networks: list[str]) -> str:
    """Return what the new recipe is without: a network, as ``--set`` takes it, or the entry of a group."""
    if key[0] == "networks" and key[1] not in networks:
        return f"networks.{key[1]}=null"
    return f"without {'.'.join(key)}"
