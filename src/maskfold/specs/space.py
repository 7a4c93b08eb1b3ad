"""One setting of a search space, as data."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from maskfold.settings import Settings

Number = int | float


class Searched(Settings):
    """Which values of a setting are tried: a range of numbers, or choices."""

    low: Number | None = None
    """Lowest number; whole numbers are searched if both ends are whole."""
    high: Number | None = None
    """Highest number, included."""
    log: bool = False
    """Whether factors count, not differences: for rates, whose size is unknown."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """Distance of the numbers that are tried; null tries all."""
    relative: bool = False
    """Whether the numbers are factors of the recipe's own value, of each network's own where the key has `*`."""
    choices: tuple[Any, ...] = Field((), max_length=100)
    """Values to choose from, in place of a range."""
    when: dict[str, Any] = Field(default_factory=dict)
    """Settings of the space, and the choice (or a list of choices) with which this one counts."""

    @model_validator(mode="after")
    def _range_or_choices(self) -> Self:
        ranged = self.low is not None or self.high is not None
        if ranged == bool(self.choices):
            raise ValueError("expected either low and high, or choices")
        if self.choices:
            if len(self.choices) < 2:
                raise ValueError("choices: expected at least two")
            if self.log or self.relative or self.step is not None:
                raise ValueError("log, step and relative are for low and high, not for choices")
            if len({repr(choice) for choice in self.choices}) < len(self.choices):
                raise ValueError("choices: the same one twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("expected both low and high")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs low above 0, got {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other")
        if self.is_whole and self.step is not None and self.step != int(self.step):
            raise ValueError(f"step {self.step:g} between whole numbers")
        if self.step is not None and self.step > self.high - self.low:
            raise ValueError(f"step {self.step:g} is longer than the way from low to high")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers are searched."""
        return not self.choices and not self.relative and isinstance(self.low, int) and isinstance(self.high, int)
