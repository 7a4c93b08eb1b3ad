"""A search space: which settings of a recipe are tried, with which values; and recipes with values of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import yaml
from pydantic import ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe import Recipe
from maskfold.recipe.mistakes import explain
from maskfold.recipe.paths import put
from maskfold.recipe.reference import EACH, all_settings, find, written
from maskfold.recipe.text import load_yaml, read_yaml
from maskfold.specs.space import Number, Searched
from maskfold.wording import did_you_mean

Drawn = dict[str, Number]
"""What a trial tries, by key: a number of a range, or the place of a choice among the choices."""
GENERIC: Final = "generic"
_SEARCHABLE: Final = ("networks", "ensemble", "crop")
"""Groups whose settings leave people and folds as they are, so that differences between trials are paired."""
_MAX_FILE: Final = 1 << 17
"""Bytes of a space."""
_MOST: Final = 100
"""Settings of a space."""


@dataclass(frozen=True)
class Space:
    """Settings to search, by key, each after those that it depends on."""

    searched: Mapping[str, Searched]

    def active(self, drawn: Mapping[str, Number], key: str) -> bool:
        """Return whether a setting counts, given those that it depends on."""
        return all(
            parent in drawn and self.searched[parent].choices[int(drawn[parent])] in _several(wanted)
            for parent, wanted in self.searched[key].when.items()
        )

    def apply(self, recipe: Recipe, drawn: Mapping[str, Number]) -> Recipe:
        """Return a recipe with the values of a trial.

        Raises:
            RecipeError: If the values do not fit together.
        """
        settings: Any = recipe.model_dump(mode="json")
        for key, value in self._values(settings, drawn):
            settings = put(settings, key.split("."), value, key)
        try:
            return Recipe.model_validate(settings)
        except ValidationError as error:
            raise RecipeError(explain(recipe.name, error, settings)) from None

    def shown(self, recipe: Recipe, drawn: Mapping[str, Number]) -> tuple[str, ...]:
        """Return the values of a trial as ``key=value`` each, as ``--set`` takes them."""
        values = self._values(recipe.model_dump(mode="json"), drawn)
        return tuple(f"{key}={written(value)}" for key, value in values)

    def drawn_by(self, recipe: Recipe) -> Drawn | None:
        """Return the values of the recipe as it is; None where it has one that the space cannot express.

        A number outside its range counts as the nearest end of it.
        """
        settings = recipe.model_dump(mode="json")
        found: Drawn = {}
        for key, one in self.searched.items():
            if not self.active(found, key):
                continue
            if one.choices:
                same = (place for place in range(len(one.choices)) if self._changes_nothing(recipe, key, place))
                value: Number | None = next(same, None)
            elif one.relative:
                value = 1.0
            else:
                there = {_at(settings, place) for place in _places(settings, key)}
                value = there.pop() if len(there) == 1 else None
                value = value if isinstance(value, int | float) else None
            if value is None:
                return None
            found[key] = value if one.choices else _within(one, value)
        return found

    def check(self, recipe: Recipe, where: str) -> None:
        """Make sure that each end and each choice alone is a recipe.

        Raises:
            RecipeError: If a key is no setting, cannot be searched, or a value is wrong.
        """
        for key, one in self.searched.items():
            _check_key(key, where)
            if one.relative:
                self._check_relative(recipe, key, where)
            parents = self._parents(key)
            middle = one.low if one.low is None or one.high is None else _within(one, (one.low + one.high) / 2)
            for value in range(len(one.choices)) if one.choices else (one.low, middle, one.high):
                drawn = {**parents, key: value} if value is not None else parents
                try:
                    self.apply(recipe, drawn)
                except RecipeError as error:
                    shown = one.choices[int(value)] if one.choices and value is not None else value
                    raise RecipeError(f"{where}: {key} cannot be {written(shown)} in this recipe: {error}") from None

    def _check_relative(self, recipe: Recipe, key: str, where: str) -> None:
        settings = recipe.model_dump(mode="json")
        for place in _places(settings, key):
            own = _at(settings, place)
            if isinstance(own, bool) or not isinstance(own, int | float):
                raise RecipeError(
                    f"{where}: {key} is relative, but the recipe's own value is {written(own)}; expected a number"
                )

    def _parents(self, key: str) -> Drawn:
        """Return values with which a setting counts."""
        found: Drawn = {}
        for parent, wanted in self.searched[key].when.items():
            found |= self._parents(parent)
            found[parent] = self.searched[parent].choices.index(_several(wanted)[0])
        return found

    def _values(self, settings: Any, drawn: Mapping[str, Number]) -> Iterator[tuple[str, Any]]:
        for key, value in drawn.items():
            one = self.searched[key]
            if one.choices:
                yield key, one.choices[int(value)]
            elif one.relative:
                for place in _places(settings, key):
                    yield ".".join(place), _times(_at(settings, place), value)
            else:
                yield key, value

    def _changes_nothing(self, recipe: Recipe, key: str, place: int) -> bool:
        try:
            return self.apply(recipe, {key: place}) == recipe
        except RecipeError:
            return False

    @property
    def plain(self) -> dict[str, Any]:
        """The space as :func:`make_space` takes it."""
        return {key: one.model_dump(mode="json", exclude_defaults=True) for key, one in self.searched.items()}

    @property
    def text(self) -> str:
        """The same as YAML."""
        return yaml.safe_dump(self.plain, sort_keys=False, default_flow_style=None, width=120)


def default_space(recipe: str) -> Space:
    """Return the space that ships for a preset, or the generic one."""
    files = resources.files("maskfold.study").joinpath("spaces")
    names = {file.name.removesuffix(".yaml") for file in files.iterdir()}
    name = recipe if recipe in names else GENERIC
    text = files.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return make_space(load_yaml(text), f"space {name}")


def read_space(path: str) -> Space:
    """Read a file with a space.

    Raises:
        RecipeError: If it cannot be read, or is not a space.
    """
    where = f"space {path}"
    return make_space(read_yaml(path, _MAX_FILE, where), where)


def make_space(given: Any, where: str) -> Space:
    """Return a space from its settings.

    Raises:
        RecipeError: If they are not valid.
    """
    if not isinstance(given, Mapping) or not given:
        raise RecipeError(
            f"{where}: expected settings with what to try, such as "
            "'networks.*.optimizer.lr: {low: 0.0001, high: 0.01, log: true}'"
        )
    if len(given) > _MOST:
        raise RecipeError(f"{where}: {len(given)} settings; at most {_MOST}")
    found: dict[str, Searched] = {}
    for key, one in given.items():
        try:
            found[str(key)] = Searched.model_validate(one)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, (key, *first["loc"])))
            hint = did_you_mean(str(first["loc"][-1]), Searched.model_fields) if first["loc"] else ""
            unknown = first["type"] == "extra_forbidden"
            problem = "unknown" if unknown else first["msg"].removeprefix("Value error, ")
            raise RecipeError(f"{where}: {place}: {problem}.{hint}") from None
    for key in found:
        _check_conditions(key, found, where)
    return Space(_ordered(found, where))


def _check_conditions(key: str, found: Mapping[str, Searched], where: str) -> None:
    for parent, wanted in found[key].when.items():
        if parent not in found:
            hint = did_you_mean(parent, found)
            raise RecipeError(f"{where}: {key}.when: {parent} is no setting of this space.{hint}")
        choices = found[parent].choices
        for value in _several(wanted) or (None,):
            if value not in choices:
                known = ", ".join(map(written, choices)) or "a range; conditions need choices"
                hint = did_you_mean(str(value), map(str, choices))
                raise RecipeError(f"{where}: {key}.when: {parent} is never {written(value)}: {known}.{hint}")


def _ordered(found: Mapping[str, Searched], where: str) -> dict[str, Searched]:
    """Return the settings, each after those that it depends on."""
    placed: dict[str, Searched] = {}
    while len(placed) < len(found):
        ready = [key for key, one in found.items() if key not in placed and all(up in placed for up in one.when)]
        if not ready:
            circle = ", ".join(key for key in found if key not in placed)
            raise RecipeError(f"{where}: these settings depend on each other in a circle: {circle}")
        placed |= {key: found[key] for key in ready}
    return placed


def _check_key(key: str, where: str) -> None:
    if key.partition(".")[0] not in _SEARCHABLE and find(key) is not None:
        raise RecipeError(
            f"{where}: {key} cannot be searched: trials would have other people or folds and could not be compared; "
            f"searchable are settings of {', '.join(_SEARCHABLE)}"
        )
    if find(key) is None:
        parts = key.split(".")
        named = parts[1] if parts[0] == "networks" and len(parts) > 1 else EACH
        known = [one.key.replace("networks.*", f"networks.{named}") for one in all_settings()]
        raise RecipeError(f"{where}: {key} is no setting of a recipe.{did_you_mean(key, known)}")


def _places(settings: Any, key: str) -> list[tuple[str, ...]]:
    """Return the paths that a key means: with ``*`` one for each network."""
    head, *rest = key.split(".")
    if head != "networks" or not rest:
        return [(head, *rest)]
    names = [network["name"] for network in settings["networks"]]
    if rest[0] == EACH:
        return [("networks", name, *rest[1:]) for name in names]
    put(settings, key.split("."), None, key)  # says which networks there are
    name = rest[0] if rest[0] in names else names[int(rest[0])]
    return [("networks", name, *rest[1:])]


def _at(settings: Any, place: tuple[str, ...]) -> Any:
    node = settings
    for part in place:
        if isinstance(node, list):
            node = next((item for item in node if item["name"] == part), None)
        else:
            node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _times(own: Number, factor: Number) -> Number:
    """Return a multiple of a setting; of a whole number the nearest whole one, and at least 1."""
    return max(1, round(own * factor)) if isinstance(own, int) else own * factor


def _within(one: Searched, value: Number) -> Number:
    """Return the nearest value of a range."""
    low, high = one.low or 0, one.high or 0
    step = one.step or (1 if one.is_whole else None)
    held = min(max(value, low), high)
    if step is not None:
        held = low + min(round((held - low) / step), int((high - low) / step + 1e-9)) * step
    return int(held) if one.is_whole else float(held)


def _several(wanted: Any) -> tuple[Any, ...]:
    return tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
