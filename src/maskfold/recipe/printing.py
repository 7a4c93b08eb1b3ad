"""Recipes as YAML for people: lists in one line, on request with what each setting means or only what differs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from maskfold.recipe.augmentation import Augmentation
from maskfold.recipe.network import Network
from maskfold.recipe.recipe import Recipe
from maskfold.recipe.reference import find
from maskfold.recipe.schemes import SCHEMES, load_scheme
from maskfold.scheme import Scheme
from maskfold.settings import Settings
from maskfold.wording import printable

WIDTH: Final = 100
"""Characters of a line of comment."""


def dump_recipe(recipe: Recipe) -> str:
    """Return all settings as YAML that :func:`~maskfold.recipe.load_recipe` reads back to an equal recipe."""
    return "\n".join(_lines(recipe.model_dump(mode="json"))) + "\n"


def dump_explained(recipe: Recipe) -> str:
    """Return all settings as YAML, each with its meaning and allowed values as comments; of networks only the first."""
    return "\n".join(_lines(recipe.model_dump(mode="json"), path=())) + "\n"


def dump_short(recipe: Recipe) -> str:
    """Return only the settings that differ from their defaults, as YAML that reads back to an equal recipe."""
    default = Recipe.model_validate({"networks": [{"name": "any"}]})
    return "\n".join(_lines(_difference(recipe, default))) + "\n"


def _difference(given: Settings, default: Settings) -> dict[str, Any]:
    """Return what a group has other than its default, group by group."""
    found: dict[str, Any] = {}
    for name in type(given).model_fields:
        value, usual = getattr(given, name), getattr(default, name)
        if name == "networks":
            found[name] = [_of_network(network) for network in value]
        elif isinstance(value, Scheme):
            found[name] = _named(value)
        elif isinstance(value, Augmentation):
            found |= {name: short} if (short := _of_augmentation(value)) else {}
        elif isinstance(value, Settings):
            found |= {name: inner} if (inner := _difference(value, usual)) else {}
        elif value != usual:
            found[name] = given.model_dump(mode="json", include={name})[name]
    return found


def _named(scheme: Scheme) -> Any:
    """Return the name of a scheme that ships with maskfold, or all settings of another one."""
    known = scheme.name in SCHEMES and scheme == Scheme.model_validate(load_scheme(scheme.name))
    return scheme.name if known else scheme.model_dump(mode="json")


def _of_network(network: Network) -> dict[str, Any]:
    return {"name": network.name, **_difference(network, Network(name=network.name))}


def _of_augmentation(given: Augmentation) -> Any:
    """Return what differs from the preset; of a preset as it is only its name."""
    different = _difference(given, Augmentation.model_validate({"preset": given.preset}))
    if given.preset is None:
        return different
    return {"preset": given.preset, **different} if different else given.preset


def _lines(node: Mapping[str, Any], path: tuple[str, ...] | None = None, indent: str = "") -> Iterator[str]:
    """Yield lines of YAML; with a path, which is that of ``node``, also comments."""
    for name, value in node.items():
        below = None if path is None else (*path, name)
        end = ""
        if below is not None and (setting := find(".".join(below))):
            yield from _comment(setting.meaning, indent)
            end = f"  # {setting.allowed}" if setting.allowed else ""
        key = _in_line(name)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:{end}"
            yield from _lines(value, below, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{key}:{end}"
            for number, one in enumerate(value):
                lines = list(_lines(one, (*below, "*") if below and number == 0 else None, indent + "    "))
                yield from _as_entry(lines, indent + "  ")
        else:
            yield f"{indent}{key}: {_in_line(value)}{end}"


def _as_entry(lines: list[str], indent: str) -> Iterator[str]:
    """Yield the lines of a mapping as an entry of a list: the dash is before the first line that is no comment."""
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    for number, line in enumerate(lines):
        yield f"{indent}- {line.lstrip()}" if number == first else line


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(text, max(40, WIDTH - len(indent) - 2)):
        yield f"{indent}# {line}"


def _in_line(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    if printable(text) != text:  # with escapes, as it may go to a terminal
        text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")
