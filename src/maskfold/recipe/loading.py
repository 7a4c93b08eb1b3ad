"""Recipes from presets, YAML files and ``--set dotted.key=value``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError

from maskfold.errors import RecipeError, WorkspaceError
from maskfold.recipe.paths import put
from maskfold.recipe.recipe import Dataset, Recipe
from maskfold.recipe.schemes import PRESETS_SCHEME, expand_short, fit_preset, load_scheme
from maskfold.recipe.text import load_yaml
from maskfold.regular import read_regular
from maskfold.scheme import Scheme
from maskfold.settings import Settings
from maskfold.wording import did_you_mean, printable

PRESETS: Final = ("smoke", "fast", "best", "hot6")
# PyYAML raises its own errors, and those of constructors, such as that of the date 2020-99-99.
_NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
_PLAIN = {
    "tuple_type": "expected a list, such as [45, 60]",
    "model_type": "expected a group of settings (name: value, ...)",
    "dict_type": "expected a group of settings (name: value, ...)",
}
"""Messages in terms of recipes for types of errors that pydantic explains in terms of Python."""
_INSTEAD = {"bounds": "values", "values": "bounds"}
"""Settings of an attribute that exclude each other."""
_MAX_RECIPE = 1 << 17
"""Bytes of a recipe."""
_DEEPEST = 20
"""Dots in the path of a setting."""
_SHOWN = 80
"""Characters of a wrong value in a message."""


def load_recipe(
    source: str | Path = "fast", overrides: Iterable[str] = (), scheme: Mapping[str, Any] | None = None
) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        source: Name of a preset, or path of a YAML file (the printed form of a recipe).
        overrides: ``dotted.key=value`` each; the value is YAML. Networks are addressed by name, by number or, all at
            once, by ``*``: ``networks.*.epochs=3``.
        scheme: The scheme found in the data set, used unless recipe or overrides name one.

    Raises:
        RecipeError: If the source does not exist or cannot be read, or a setting is unknown or invalid.
    """
    where = str(source)
    given = [_split(override) for override in overrides]
    settings = _with_scheme(where, _read(where), given, scheme)
    if where in PRESETS:
        settings = fit_preset(settings)
    for key, value in given:
        if key.partition(".")[0] != "scheme":
            settings = put(settings, key.split("."), value, key)
    try:
        return Recipe.model_validate(expand_short(settings))
    except ValidationError as error:
        raise RecipeError(_explain(where, error)) from None


def load_dataset(source: str | Path = "fast", overrides: Iterable[str] = ()) -> Dataset:
    """Read only the data set's settings of a recipe: the data set must be inspected before the rest can be checked.

    Raises:
        RecipeError: If the source does not exist or cannot be read, or a setting of the data set is invalid.
    """
    where = str(source)
    settings: Any = {"dataset": _read(where).get("dataset") or {}}
    for key, value in map(_split, overrides):
        if key.partition(".")[0] == "dataset":
            settings = put(settings, key.split("."), value, key)
    try:
        return _DatasetAlone.model_validate(settings).dataset
    except ValidationError as error:
        raise RecipeError(_explain(where, error)) from None


class _DatasetAlone(Settings):
    dataset: Dataset


class _SchemeAlone(Settings):
    scheme: Scheme


def dump_recipe(recipe: Recipe) -> str:
    """Return the recipe as YAML that :func:`load_recipe` reads back to an equal recipe."""
    settings = recipe.model_dump(mode="json")
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)
    if printable(text) == text:
        return text
    return yaml.safe_dump(settings, sort_keys=False, width=100)  # with escapes, as it may go to a terminal


def _read(source: str) -> dict[str, Any]:
    if source in PRESETS:
        text = resources.files("maskfold.recipe").joinpath("presets", f"{source}.yaml").read_text(encoding="utf-8")
    else:
        try:
            path = Path(source).expanduser()
            is_file = path.is_file()
        except (OSError, RuntimeError) as error:  # no permission, a name too long, an unknown ~user
            raise RecipeError(f"recipe {source!r}: cannot be read: {error}") from None
        if not is_file:
            raise RecipeError(
                f"recipe {source!r} is neither a preset ({', '.join(PRESETS)}) nor an existing YAML file."
                f"{did_you_mean(source, PRESETS)}"
            )
        try:
            text = read_regular(path, _MAX_RECIPE).decode("utf-8")
        except (OSError, UnicodeDecodeError, WorkspaceError) as error:
            raise RecipeError(f"recipe {source}: cannot be read as UTF-8 text: {error}") from None
    try:
        settings = load_yaml(text)
    except _NOT_YAML as error:
        raise RecipeError(f"recipe {source}: not valid YAML: {error}") from None
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {source}: expected a mapping of settings, found {type(settings).__name__}")
    return settings


def _split(override: str) -> tuple[str, Any]:
    """Return key and value of ``dotted.key=value``."""
    key, separator, text = override.partition("=")
    key = key.strip()
    if not separator or not all(key.split(".")) or key.count(".") > _DEEPEST:
        raise RecipeError(f"setting {_short(override)}: expected dotted.key=value, such as folds.k=3")
    try:
        return key, load_yaml(text)
    except _NOT_YAML:
        raise RecipeError(f"setting {_short(override)}: the value is not valid YAML") from None


def _with_scheme(
    where: str, settings: dict[str, Any], overrides: Sequence[tuple[str, Any]], found: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the settings with their scheme in full: overridden, written, found in the data, or the default."""
    chosen = dict(overrides).get("scheme") or settings.get("scheme") or found or PRESETS_SCHEME
    try:
        scheme = load_scheme(chosen)
    except ValueError as error:
        raise RecipeError(f"setting scheme: {error}") from None
    if not isinstance(scheme, Mapping) or not isinstance(scheme.get("attributes"), list | tuple):
        raise RecipeError(f"setting scheme: expected a name, or a mapping with a list of attributes; given: {scheme!r}")
    full: Any = {**settings, "scheme": {**scheme, "attributes": list(scheme["attributes"])}}
    for key, value in overrides:
        if key.startswith("scheme."):
            *place, last = key.split(".")
            full = put(full, [*place, last], value, key)
            if last in _INSTEAD and value:  # an attribute has one of both: what the user gives replaces the other
                full = put(full, [*place, _INSTEAD[last]], [], key)
    attributes = full["scheme"]["attributes"]
    if isinstance(attributes, list):
        full["scheme"] = {**full["scheme"], "attributes": [_with_bounds(attribute) for attribute in attributes]}
    try:  # before anything is derived from it
        _SchemeAlone.model_validate({"scheme": full["scheme"]})
    except ValidationError as error:
        raise RecipeError(_explain(where, error)) from None
    return dict(full)


def _with_bounds(attribute: Any) -> Any:
    """Return an attribute without its ``range``, which the data set states where only the user knows the bounds."""
    if not isinstance(attribute, Mapping) or not isinstance(attribute.get("range"), tuple):
        return attribute
    low, high = attribute["range"]
    if not attribute.get("bounds") and not attribute.get("values"):
        name = attribute["name"]
        raise RecipeError(
            f"the data set's column {name} holds numbers from {low:g} to {high:g}: set the bounds of its groups, such "
            f"as --set 'scheme.attributes.{name}.bounds=[{(low + high) / 2:g}]'; or leave the column out by naming the "
            f"attributes that count: --set 'scheme={{attributes: [{{name: ..., values: [...]}}]}}'"
        )
    return {key: value for key, value in attribute.items() if key != "range"}


def _explain(source: str, error: ValidationError) -> str:
    problems = error.errors()
    # Pydantic also reports a list with wrong entries as too short; only the entries help.
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
            given = "" if where == "" else f" (given: {_short(problem['input'])})"
            lines.append(f"  {where or 'recipe'}: {message}{given}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."


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
