"""Base of all settings and records: frozen, validated, without unknown keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Side = Annotated[int, Field(ge=8, le=4096)]
ImageSize = Annotated[tuple[Side, Side], Field(description="height, width in pixels")]


class Settings(BaseModel):
    """A frozen group of settings; unknown keys are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class OutsideKey:
    """Marks a field that affects no result: it only controls a run, or states where something is stored.

    The keys of jobs omit such fields, so that changing one repeats no job: ``description: Annotated[str, OutsideKey]``.
    """


def determining(settings: BaseModel) -> dict[str, Any]:
    """Return all settings that a result depends on, as JSON: those that are not :class:`OutsideKey`, at any depth."""
    return settings.model_dump(mode="json", exclude=_outside(settings))


def _outside(value: Any) -> dict[Any, Any]:
    """Return what to leave out of a value, as pydantic's ``exclude`` takes it."""
    found: dict[Any, Any] = {}
    for name, part in _parts(value):
        if isinstance(value, BaseModel) and OutsideKey in type(value).model_fields[name].metadata:
            found[name] = True
        elif inside := _outside(part):
            found[name] = inside
    return found


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, BaseModel):
        return ((name, getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()
