"""Base of all settings and records: frozen, validated, without unknown keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Side = Annotated[int, Field(ge=8, le=4096)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
"""A number of things, bytes or milliseconds; those who read it as a floating-point number lose nothing."""
Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""What torch's generators take."""
Factor = Annotated[float, Field(ge=0, le=1e6)]
"""A weight of a loss, a vote, a norm: beyond a million float32 loses what it is added to."""
Epochs = Annotated[float, Field(gt=0, le=10_000)]
"""A time in epochs; ten thousand are decades on one GPU, and mean a slip of the finger."""


def _area(size: tuple[int, int]) -> tuple[int, int]:
    if size[0] * size[1] > 1024 * 1024:
        raise ValueError(
            f"{size[0]} x {size[1]} pixels: at most {1024 * 1024:,} in all; each photograph of a data set is stored at "
            "this size, so 20,000 of them take more than 60 GB"
        )
    return size


def _scaled(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if max(values) > 1:
        raise ValueError(f"{list(values)}: inputs are scaled to 0..1; divide values in 0..255 by 255")
    return values


def _spread(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(values) < 0.001:
        raise ValueError(f"{list(values)}: at least 0.001, a quarter of one of 255 steps; less only enlarges noise")
    return _scaled(values)


ImageSize = Annotated[tuple[Side, Side], AfterValidator(_area)]
"""Height and width in pixels."""
_Channel = Annotated[float, Field(ge=0)]
_Spread = Annotated[float, Field(gt=0)]
ChannelMeans = Annotated[tuple[_Channel, _Channel, _Channel], AfterValidator(_scaled)]
"""Means of red, green and blue, in 0..1."""
ChannelSpreads = Annotated[tuple[_Spread, _Spread, _Spread], AfterValidator(_spread)]
"""Standard deviations of red, green and blue, in 0..1."""


class Settings(BaseModel):
    """A frozen group of settings; unknown keys are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    alone: ClassVar[str] = ""
    """The setting that a plain value stands for: with ``name``, ``loss: focal`` is ``loss: {name: focal}``."""

    @classmethod
    def in_full(cls, given: Any) -> Any:
        """Return the settings that a plain value stands for; anything else as it is."""
        plain = isinstance(given, str | int | float) and not isinstance(given, bool)
        return {cls.alone: given} if cls.alone and plain else given

    @model_validator(mode="before")
    @classmethod
    def _take_a_plain_value(cls, given: Any) -> Any:
        return cls.in_full(given)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON schema, which allows the plain value, too."""
        schema = handler(core)
        if not cls.alone:
            return schema
        group = handler.resolve_ref_schema(schema)
        return {"anyOf": [group, group["properties"][cls.alone]]}


class OutsideKey:
    """Marks a field that affects no result: it only controls a run, or states where something is stored.

    The keys of jobs omit such fields, so that changing one repeats no job: ``description: Annotated[str, OutsideKey]``.
    """


class OutsideKeyByDefault:
    """Marks a field that affects results only when set: one that was added later, off by default.

    The keys of jobs omit it while it has its default value, so that jobs without it keep the keys that they had.
    """


def determining(settings: BaseModel) -> dict[str, Any]:
    """Return all settings that a result depends on, as JSON: those that are not :class:`OutsideKey`, at any depth.

    Nor :class:`OutsideKeyByDefault`, where they have their defaults.
    """
    return settings.model_dump(mode="json", exclude=_outside(settings))


def _outside(value: Any) -> dict[Any, Any]:
    """Return what to leave out of a value, as pydantic's ``exclude`` takes it."""
    found: dict[Any, Any] = {}
    for name, part in _parts(value):
        if isinstance(value, BaseModel) and _is_outside(type(value).model_fields[name], part):
            found[name] = True
        elif inside := _outside(part):
            found[name] = inside
    return found


def _is_outside(field: FieldInfo, value: Any) -> bool:
    return OutsideKey in field.metadata or (OutsideKeyByDefault in field.metadata and value == field.default)


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, BaseModel):
        return ((name, getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()
