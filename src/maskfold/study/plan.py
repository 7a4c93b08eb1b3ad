"""What a comparison tries: variants of one recipe, from ``--vary`` or from a study file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from maskfold.errors import RecipeError
from maskfold.recipe import Recipe, Settings
from maskfold.recipe.text import load_yaml, read_yaml
from maskfold.wording import first_few

BASE: Final = "base"
"""Name of the variant that all others are compared with: the recipe as it is."""
MAX_VARIANTS: Final = 200
_MAX_FILE: Final = 1 << 17
"""Bytes of a study file."""

VariantName = Annotated[str, Field(min_length=1, max_length=120)]


class Variant(Settings):
    """One change of the base recipe."""

    name: VariantName
    factor: str = ""
    """The setting that is varied alone; empty for a named variant and for a combination."""
    set: tuple[str, ...] = ()
    """``key=value`` each, applied after those of the study."""


class Study(Settings):
    """A study file, or what stands on the command line."""

    name: str = Field("comparison", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=60)
    """Name of the study, for people."""
    recipe: str = "fast"
    """Base recipe: a preset or a YAML file."""
    set: tuple[str, ...] = ()
    """Settings of the base recipe, ``key=value`` each."""
    variants: dict[VariantName, tuple[str, ...] | dict[str, Any]] = Field(default_factory=dict)
    """Named variants: settings, as a list of ``key=value`` or as a mapping."""
    vary: dict[str, list[Any]] = Field(default_factory=dict)
    """Values to try of single settings, by key."""
    grid: bool = False
    """Whether all combinations of the values of ``vary`` are tried, instead of one factor at a time."""
    seeds: int = Field(3, ge=1, le=20)
    """How many seeds of the networks each variant is trained with; the folds stay the same."""

    @model_validator(mode="after")
    def _something_to_try(self) -> Self:
        if not self.vary and not self.variants:
            raise ValueError("nothing to compare: name values with vary, or variants")
        empty = [key for key, values in self.vary.items() if not values]
        if empty:
            raise ValueError(f"vary: {empty[0]} has no values")
        if BASE in self.variants:
            raise ValueError(f"variants: {BASE} is the recipe as it is; call the variant something else")
        return self

    def expand(self) -> tuple[Variant, ...]:
        """Return all variants, the base first.

        Raises:
            RecipeError: If two have the same name, or there are too many.
        """
        found = [Variant(name=BASE)]
        for name, given in self.variants.items():
            found.append(Variant(name=name, set=given if isinstance(given, tuple) else tuple(_settings(given))))
        keys = short_names(self.vary)
        if self.grid:
            for combination in itertools.product(*self.vary.values()):
                chosen = dict(zip(self.vary, combination, strict=True))
                name = ", ".join(f"{keys[key]}={_text(value)}" for key, value in chosen.items())
                found.append(Variant(name=name, set=tuple(_settings(chosen))))
        else:
            for key, values in self.vary.items():
                for value in values:
                    found.append(
                        Variant(name=f"{keys[key]}={_text(value)}", factor=key, set=tuple(_settings({key: value})))
                    )
        names = [variant.name for variant in found]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise RecipeError(f"study {self.name}: two variants are called {first_few(doubles)}")
        if len(found) > MAX_VARIANTS:
            raise RecipeError(f"study {self.name}: {len(found)} variants; at most {MAX_VARIANTS}. Vary fewer settings")
        return tuple(found)


def read_study(path: str) -> Study:
    """Read a study file.

    Raises:
        RecipeError: If it cannot be read, or is not a study.
    """
    where = f"study {path}"
    return make_study(read_yaml(path, _MAX_FILE, where), where)


def make_study(given: Any, where: str) -> Study:
    """Return a study from its settings.

    Raises:
        RecipeError: If they are not valid.
    """
    try:
        return Study.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = first["msg"].removeprefix("Value error, ")
        raise RecipeError(f"{where}: {f'{place}: ' if place else ''}{problem}") from None


def parse_vary(given: Iterable[str]) -> dict[str, list[Any]]:
    """Return keys and values of ``--vary KEY=VALUE,VALUE`` options; commas inside brackets belong to a value.

    Raises:
        RecipeError: If one has no key or no values.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        key, separator, values = text.partition("=")
        parts = [part.strip() for part in _split(values)]
        if not separator or not key.strip() or not all(parts):
            raise RecipeError(
                f"--vary {text!r}: expected KEY=VALUE,VALUE,..., such as networks.joint.loss=cross-entropy,focal"
            )
        try:
            found.setdefault(key.strip(), []).extend(load_yaml(part) for part in parts)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise RecipeError(f"--vary {text!r}: a value is not valid YAML") from None
    return found


def with_seed(recipe: Recipe, number: int) -> Recipe:
    """Return a recipe whose networks draw other numbers; number 0 is the recipe as it is. Folds stay the same."""
    networks = tuple(network.model_copy(update={"seed": network.seed + number}) for network in recipe.networks)
    return recipe.model_copy(update={"networks": networks})


def _settings(given: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_text(value)}" for key, value in given.items()]


def _text(value: Any) -> str:
    """Return a value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=False, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Return for each key the end of it that tells it from the others."""
    keys = list(keys)
    found = {}
    for key in keys:
        parts = key.split(".")
        for length in range(1, len(parts) + 1):
            end = ".".join(parts[-length:])
            if sum(other == end or other.endswith(f".{end}") for other in keys) == 1 or length == len(parts):
                found[key] = end
                break
    return found


def _split(text: str) -> Sequence[str]:
    """Split at commas that are in no brackets and no quotes."""
    parts, depth, quote, start = list[str](), 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]
