"""A value of each setting to try: from the presets, or from `presets/examples.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import yaml

from maskfold.recipe.loading import PRESETS, load_recipe
from maskfold.recipe.reference import EACH, Setting, written


@cache
def _written() -> dict[str, str]:
    text = resources.files("maskfold.recipe").joinpath("presets", "examples.yaml").read_text(encoding="utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def example(setting: Setting) -> str:
    """Return ``KEY=VALUE``, as ``--set`` takes it, with a value that differs from the default.

    Args:
        setting: A setting that is no group, or a group that one value stands for.
    """
    value = _written().get(setting.key)
    if value is None:
        used = [one for one in in_presets(setting) if one not in (setting.default, None)]
        choices = [one for one in setting.allowed.split(" | ") if one not in (written(setting.default), "null")]
        value = written(used[0]) if used else choices[0]
    return value if "=" in value else f"{setting.key}={value}"


def in_presets(setting: Setting) -> list[Any]:
    """Return the different values that a setting has in the presets, in their order."""
    found: list[Any] = []
    for value in (value for recipe in _presets() for value in _at(recipe, setting.path)):
        if value not in found:
            found.append(value)
    return found


@cache
def _presets() -> list[dict[str, Any]]:
    return [load_recipe(name).model_dump(mode="json") for name in PRESETS]


def _at(node: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield the values at a path; ``*`` is every entry of a list, or every value of a mapping."""
    if not path:
        yield node
    elif path[0] == EACH:
        for one in node.values() if isinstance(node, Mapping) else node:
            yield from _at(one, path[1:])
    else:
        yield from _at(node[path[0]], path[1:])
