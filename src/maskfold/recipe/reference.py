"""The settings of a recipe, described: path, meaning, default and allowed values of each, read from the models."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from maskfold.recipe.augmentation import RANGE_LIMITS, Augmentation
from maskfold.recipe.recipe import Recipe
from maskfold.settings import Settings

EACH: Final = "*"
"""Stands in paths for every entry of a list, such as each network."""
_WORDS: Final[dict[Any, tuple[str, str]]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("true | false", "true | false"),
    Any: ("any value", "values"),
}
"""Of one, of several."""


@dataclass(frozen=True)
class Setting:
    """One setting, or a group of settings."""

    path: tuple[str, ...]
    """Such as ``("networks", "*", "optimizer", "lr")``."""
    meaning: str
    allowed: str
    """For people: ``a whole number from 2 to 50``; empty for a group."""
    default: Any = PydanticUndefined
    """As it would be written in YAML; ``PydanticUndefined`` for a group, or if the setting must be given."""
    is_group: bool = False

    @property
    def key(self) -> str:
        """The dotted path, as ``--set`` takes it."""
        return ".".join(self.path)


@cache
def all_settings() -> tuple[Setting, ...]:
    """Return every setting of a recipe in the order of the printed form, each group before its settings."""
    return tuple(_of_model(Recipe, (), ()))


def find(key: str) -> Setting | None:
    """Return a setting or group by its dotted path; a network's name or number counts as ``*``."""
    wanted = key.split(".")
    return next((setting for setting in all_settings() if _fits(setting.path, wanted)), None)


def inside(group: Setting) -> list[Setting]:
    """Return the settings of a group, those of groups in it included."""
    depth = len(group.path)
    return [one for one in all_settings() if len(one.path) > depth and one.path[:depth] == group.path]


def ending_with(name: str) -> list[Setting]:
    """Return the settings whose last name is this one, such as both ``alpha``."""
    return [setting for setting in all_settings() if setting.path[-1] == name]


def written(value: Any) -> str:
    """Return a value in one line of YAML: ``[128, 96]``, ``null``, ``label-smoothing``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(one)}" for name, one in value.items()) + "}"
    return str(value) if value != "" else "''"


def _fits(path: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(path) == len(wanted) and all(one in (EACH, given) for one, given in zip(path, wanted, strict=True))


def _of_model(model: type[Settings], path: tuple[str, ...], around: tuple[type[Settings], ...]) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        yield from _of_field(field, (*path, name), (*around, model))


def _of_field(field: FieldInfo, path: tuple[str, ...], around: tuple[type[Settings], ...]) -> Iterator[Setting]:
    group, repeated = group_of(field.annotation)
    meaning = _flat(field.description or (group.__doc__ if group else ""))
    if group is not None and group not in around:
        yield Setting(path, meaning, "", is_group=True)
        yield from _of_model(group, (*path, EACH) if repeated else path, around)
        return
    default = field.get_default(call_default_factory=True)
    allowed = _allowed(field.annotation, field.metadata) if group is None else f"a list of groups like {path[-2]}"
    if around[-1] is Augmentation and path[-1] in RANGE_LIMITS:
        allowed = "[lowest, highest] within {:g} and {:g}".format(*RANGE_LIMITS[path[-1]])
    yield Setting(path, meaning, allowed, _plain(default))


def group_of(annotation: Any) -> tuple[type[Settings] | None, bool]:
    """Return the group of settings that a field holds, and whether it holds several, in a list or by name."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation, False
    repeated = get_origin(annotation) in (tuple, list, dict)
    for part in get_args(annotation):
        model, nested = group_of(part)
        if model is not None:
            return model, repeated or nested
    return None, False


def _plain(default: Any) -> Any:
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json")
    if isinstance(default, tuple | list):
        return [_plain(one) for one in default]
    return default


def _flat(text: str | None) -> str:
    """Return the first paragraph of a docstring in one line, without markup for other code."""
    paragraph = (text or "").strip().split("\n\n")[0]
    return " ".join(paragraph.replace("``", "`").split())


def _allowed(annotation: Any, metadata: Sequence[Any] = (), plural: bool = False) -> str:
    """Return in words what values a setting takes."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _allowed(parts[0], [*_unpacked(parts[1:]), *metadata], plural)
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin in (Union, types.UnionType):
        return " | ".join("null" if part is types.NoneType else _allowed(part, metadata) for part in parts)
    if origin in (tuple, list):
        count = "" if parts[-1] is Ellipsis else f" {len(parts)}"
        of = "" if count else " of"
        return f"{'lists' if plural else 'a list'}{' of' if count else ''}{count}{of} {_allowed(parts[0], (), True)}"
    if origin is dict:
        return f"a mapping from names to {_allowed(parts[1], (), True)}"
    words = _WORDS.get(annotation, _WORDS[str])[plural]
    return " ".join(filter(None, [words, _bounds(metadata)]))


def _unpacked(metadata: Sequence[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one


def _bounds(metadata: Sequence[Any]) -> str:
    low, high, reaches = "", "", False
    for one in metadata:
        if isinstance(one, limits.Ge):
            low, reaches = f"from {_number(one.ge)}", True
        elif isinstance(one, limits.Gt):
            low = f"above {_number(one.gt)}"
    for one in metadata:
        if isinstance(one, limits.Le):
            high = f"{'to' if reaches else 'up to'} {_number(one.le)}"
        elif isinstance(one, limits.Lt):
            high = f"below {_number(one.lt)}"
    both = " and " if low and not high.startswith("to") else " "
    return both.join(filter(None, [low, high]))


def _number(value: Any) -> str:
    if value == 2**63:
        return "2^63"
    return f"{value:,}" if isinstance(value, int) and value < 10**7 else f"{value:g}"
