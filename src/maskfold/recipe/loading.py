"""Recipes from presets, YAML files and ``--set dotted.key=value``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe.recipe import Recipe
from maskfold.wording import did_you_mean

PRESETS: Final = ("smoke", "fast", "best", "hot6")
# Besides its own errors PyYAML lets through what a constructor raises, such as that of the date 2020-99-99.
_NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
_PLAIN = {
    "tuple_type": "expected a list, such as [45, 60]",
    "model_type": "expected a group of settings (name: value, ...)",
    "dict_type": "expected a group of settings (name: value, ...)",
}
"""Messages of pydantic that speak of Python, by type, in the words of a recipe."""
_SHOWN = 80
"""Characters of a wrong value in a message."""


def load_recipe(source: str | Path = "fast", overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        source: Name of a preset, or path of a YAML file (the printed form of a recipe).
        overrides: ``dotted.key=value`` each; the value is YAML. Networks are addressed by name, by number or, all at
            once, by ``*``: ``networks.*.epochs=3``.

    Raises:
        RecipeError: If the source does not exist or cannot be read, or a setting is unknown or invalid.
    """
    where = str(source)
    settings = _read(where)
    for override in overrides:
        settings = _apply(settings, override)
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        raise RecipeError(_explain(where, error)) from None


def dump_recipe(recipe: Recipe) -> str:
    """Return the recipe as YAML that :func:`load_recipe` reads back to an equal recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def _read(source: str) -> dict[str, Any]:
    if source in PRESETS:
        text = resources.files("maskfold.recipe").joinpath("presets", f"{source}.yaml").read_text(encoding="utf-8")
    else:
        try:
            path = Path(source).expanduser()
            is_file = path.is_file()
        except (OSError, RuntimeError) as error:  # a folder that may not be entered, a name too long, no such ~user
            raise RecipeError(f"recipe {source!r}: cannot be read: {error}") from None
        if not is_file:
            raise RecipeError(
                f"recipe {source!r} is neither a preset ({', '.join(PRESETS)}) nor an existing YAML file."
                f"{did_you_mean(source, PRESETS)}"
            )
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"recipe {source}: cannot be read as UTF-8 text: {error}") from None
    try:
        settings = yaml.safe_load(text)
    except _NOT_YAML as error:
        raise RecipeError(f"recipe {source}: not valid YAML: {error}") from None
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {source}: expected a mapping of settings, found {type(settings).__name__}")
    return settings


def _apply(settings: dict[str, Any], override: str) -> dict[str, Any]:
    key, separator, text = override.partition("=")
    path = key.strip().split(".")
    if not separator or not all(path):
        raise RecipeError(f"setting {override!r}: expected dotted.key=value, such as folds.k=3")
    try:
        value = yaml.safe_load(text)
    except _NOT_YAML:
        raise RecipeError(f"setting {override!r}: the value is not valid YAML") from None
    updated: dict[str, Any] = _set(settings, path, value, key.strip())
    return updated


def _set(node: Any, path: Sequence[str], value: Any, key: str) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(node, list):
        chosen = _choose(node, head, key)
        return [_set(item, rest, value, key) if number in chosen else item for number, item in enumerate(node)]
    if node is None:
        node = {}
    if not isinstance(node, dict):
        raise RecipeError(f"setting {key}: {head!r} cannot be set inside the value {node!r}")
    return {**node, head: _set(node.get(head), rest, value, key)}


def _choose(items: Sequence[Any], head: str, key: str) -> set[int]:
    if head == "*":
        return set(range(len(items)))
    names = [str(item.get("name", "")) if isinstance(item, Mapping) else "" for item in items]
    if head in names:
        return {names.index(head)}
    if head.isdecimal() and int(head) < len(items):
        return {int(head)}
    raise RecipeError(
        f"setting {key}: no entry {head!r}; there are {', '.join(names)} (or 0.., or * for all)."
        f"{did_you_mean(head, names)}"
    )


def _explain(source: str, error: ValidationError) -> str:
    problems = error.errors()
    # A list whose entries are wrong is also reported as one that is too short; only the entries are worth a line.
    within = {problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))}
    problems = [problem for problem in problems if problem["loc"] not in within or problem["loc"] == ()]
    lines = [f"recipe {source}: {len(problems)} setting(s) are wrong"]
    for problem in problems:
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            allowed = _allowed_keys(problem["loc"][:-1])
            hint = did_you_mean(str(problem["loc"][-1]), allowed)
            lines.append(f"  {where}: unknown setting.{hint} Known here: {', '.join(allowed)}")
        elif problem["type"] == "missing":
            lines.append(f"  {where}: missing")
        else:
            message = _PLAIN.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
            shown = repr(problem["input"])
            given = "" if where == "" else f" (given: {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + ' ...'})"
            lines.append(f"  {where or 'recipe'}: {message}{given}")
    return "\n".join(lines)


def _allowed_keys(location: Iterable[int | str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in location:
        if isinstance(part, int):
            continue
        model = _model_of(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_of(part))), None)
