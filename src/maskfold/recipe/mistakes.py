"""Wrong settings, explained: where they are as the user wrote it, what was expected, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from maskfold.recipe.recipe import Recipe
from maskfold.recipe.reference import EACH, all_settings, ending_with, group_of
from maskfold.settings import Settings
from maskfold.wording import did_you_mean, first_few

_PLAIN: Final = {
    "tuple_type": "expected a list, such as [45, 60]",
    "model_type": "expected a group of settings (name: value, ...)",
    "dict_type": "expected a group of settings (name: value, ...)",
}
"""Messages in terms of recipes for types of errors that pydantic explains in terms of Python."""
_QUOTED: Final = re.compile("'([^']+)'")
_SHOWN: Final = 80
"""Characters of a wrong value in a message."""

Place = tuple[int | str, ...]


def explain(source: str, error: ValidationError, settings: Mapping[str, Any]) -> str:
    """Return a message with one line for each mistake; the same mistake in several networks is one.

    Args:
        source: Preset or file.
        error: What pydantic found.
        settings: What it was given.
    """
    problems = error.errors()
    # Pydantic also reports a list with wrong entries as too short; only the entries help.
    within = {problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))}
    places: dict[tuple[str, str], list[Place]] = {}
    for problem in problems:
        place = problem["loc"]
        if place not in within or place == ():
            anywhere = ".".join(EACH if isinstance(part, int) else part for part in place)
            places.setdefault((anywhere, _message(problem)), []).append(place)
    lines = [f"  {_where(found, settings)}: {message}" for (_, message), found in places.items()]
    return "\n".join([f"recipe {source}: {len(lines)} setting(s) are wrong", *lines])


def _message(problem: ErrorDetails) -> str:
    place = problem["loc"]
    if problem["type"] == "extra_forbidden":
        return _unknown(place)
    if problem["type"] == "missing":
        return "missing"
    message = _PLAIN.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    given = f" (given: {shortened(problem['input'])})" if place else ""
    choices = _QUOTED.findall(problem["msg"]) if problem["type"] == "literal_error" else []
    return f"{message}{given}{did_you_mean(str(problem['input']), choices)}"


def shortened(value: Any) -> str:
    """Return a value as it is shown in messages."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."


def _unknown(place: Place) -> str:
    """Return what was probably meant: a setting of this name elsewhere, or one of a similar name here."""
    name = str(place[-1])
    elsewhere = [setting.key for setting in ending_with(name)]
    if elsewhere:
        return f"unknown setting here. Did you mean {first_few(elsewhere, 3)}?"
    allowed = _allowed_keys(place[:-1])
    hint = did_you_mean(name, allowed) or did_you_mean(name, {setting.path[-1] for setting in all_settings()})
    return f"unknown setting.{hint} Known here: {', '.join(allowed)}"


def _where(found: Sequence[Place], settings: Mapping[str, Any]) -> str:
    """Return one dotted path for all places of a mistake: with the networks' names, or ``*`` if it is in all."""
    first = found[0]
    numbered = next((depth for depth, part in enumerate(first) if isinstance(part, int)), None)
    if numbered is None:
        return ".".join(map(str, first)) or "recipe"
    entries, parts = _at(settings, first[:numbered]), list(map(str, first))
    if isinstance(entries, list) and entries and all(isinstance(one, Mapping) and "name" in one for one in entries):
        names = dict.fromkeys(str(one["name"]) for place in found for one in entries[int(place[numbered]) :][:1])
        parts[numbered] = EACH if len(names) == len(entries) > 1 else " and ".join(names)
    return ".".join(parts)


def _at(node: Any, place: Iterable[int | str]) -> Any:
    for part in place:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _allowed_keys(place: Place) -> list[str]:
    model: type[Settings] = Recipe
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = group_of(model.model_fields[part].annotation)[0] or model
    return list(model.model_fields)
