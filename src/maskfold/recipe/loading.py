"""Recipes from presets, YAML files and ``--set dotted.key=value``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe.mistakes import explain, shortened
from maskfold.recipe.paths import put
from maskfold.recipe.recipe import Dataset, Recipe
from maskfold.recipe.reference import group_of
from maskfold.recipe.schemes import PRESETS_SCHEME, expand_short, fit_preset, load_scheme
from maskfold.recipe.text import NOT_YAML, load_yaml, read_yaml
from maskfold.scheme import Scheme
from maskfold.settings import Settings
from maskfold.wording import did_you_mean

PRESETS: Final = ("smoke", "fast", "good", "best", "hot6")
_NUMBERS = re.compile(r"\s*-?[\d.]+(\s*,\s*-?[\d.]+)+\s*")
_INSTEAD = {"bounds": "values", "values": "bounds"}
"""Settings of an attribute that exclude each other."""
_MAX_RECIPE = 1 << 17
"""Bytes of a recipe."""
_DEEPEST = 20
"""Dots in the path of a setting."""


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
            settings = put(_in_full(Recipe, settings), key.split("."), value, key)
    try:
        return Recipe.model_validate(expand_short(settings))
    except ValidationError as error:
        raise RecipeError(explain(where, error, settings)) from None


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
        raise RecipeError(explain(where, error, settings)) from None


class _DatasetAlone(Settings):
    dataset: Dataset


class _SchemeAlone(Settings):
    scheme: Scheme


def _read(source: str) -> dict[str, Any]:
    if source in PRESETS:
        preset = resources.files("maskfold.recipe").joinpath("presets", f"{source}.yaml")
        settings = load_yaml(preset.read_text(encoding="utf-8"))
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
        settings = read_yaml(source, _MAX_RECIPE, f"recipe {source}")
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {source}: expected a mapping of settings, found {type(settings).__name__}")
    return settings


def _split(override: str) -> tuple[str, Any]:
    """Return key and value of ``dotted.key=value``."""
    key, separator, text = override.partition("=")
    key = key.strip()
    if not separator or not all(key.split(".")) or key.count(".") > _DEEPEST:
        raise RecipeError(f"setting {shortened(override)}: expected dotted.key=value, such as folds.k=3")
    try:
        # Without brackets, which zsh takes for a pattern: `labels.age_bounds=45,60`.
        return key, load_yaml(f"[{text}]" if _NUMBERS.fullmatch(text) else text)
    except NOT_YAML:
        raise RecipeError(f"setting {shortened(override)}: the value is not valid YAML") from None


def _in_full(model: type[Settings], node: Any) -> Any:
    """Return settings with each group written out that is given by a plain value, so that its settings can be set."""
    node = model.in_full(node)
    if not isinstance(node, Mapping):
        return node
    written = dict(node)
    for name, field in model.model_fields.items():
        group, repeated = group_of(field.annotation)
        if group is None or written.get(name) is None:
            continue
        value = written[name]
        if repeated and isinstance(value, list):
            written[name] = [_in_full(group, one) for one in value]
        elif not repeated:
            written[name] = _in_full(group, value)
    return written


def _with_scheme(
    where: str, settings: dict[str, Any], overrides: Sequence[tuple[str, Any]], found: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the settings with their scheme in full: overridden, written, found in the data, or the default."""
    chosen = dict(overrides).get("scheme") or settings.get("scheme") or found or PRESETS_SCHEME
    try:
        scheme = load_scheme(chosen)
    except ValueError as error:
        raise RecipeError(f"setting scheme: {error}") from None
    _refuse_no_scheme(scheme)
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
        raise RecipeError(explain(where, error, full)) from None
    return dict(full)


def _refuse_no_scheme(scheme: Any) -> None:
    attributes = scheme.get("attributes") if isinstance(scheme, Mapping) else None
    named = isinstance(attributes, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get("name"), str) for one in attributes
    )
    if not named:
        raise RecipeError(
            "setting scheme: expected a name, or a mapping with a list of attributes, each with a name; "
            f"given: {scheme!r}"
        )


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
