"""The label scheme as a value: which attributes a photograph has, and how they combine into joint classes.

An attribute is *named classes* (``values``) or *ordered groups of a number* (``bounds``), and it belongs to a *person*
(equal on all photographs of that person) or to a single *photograph*. A joint class is one class of each attribute; its
number is the row-major index over the attributes in their order, as :func:`numpy.ravel_multi_index` counts. With
attributes of 3, 2 and 3 classes, class 7 = (1, 0, 1) is the second class of the first attribute, the first of the
second and the second of the third.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator, model_validator

from maskfold.cells import folded, given, plain
from maskfold.cells import number as as_number
from maskfold.settings import Settings

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

JOINT: Final = "joint"
"""The target of a network that predicts joint classes."""
UNKNOWN: Final = -1
"""Class of an attribute that is not known of a photograph."""
MAX_CLASSES: Final = 10_000
"""Joint classes: each needs photographs to be learnt from, and tables and figures have a row for each."""

RESERVED: Final = frozenset(
    {JOINT, "vote", "attributes", "classes", "cells", "image", "part", "person", "name", "path", "split", "fold"}
    | {"sha256", "width", "height", "readable", "corrected", "row", "status", "class", "class_name"}
    | {"true_class", "predicted_class", "confidence", "unsure", "problem", "face", "face_status", "face_probability"}
    | {"face_left", "face_top", "face_right", "face_bottom"}
)
"""Names of columns and voters, which no attribute may have."""
PROBABILITY: Final = "_probability"
"""Ending of the column that holds the probability of an attribute's class; no attribute's name may end with it."""

Bound = Annotated[float, Field(allow_inf_nan=False)]


class Columns(Protocol):
    """A column for each attribute, by its name: a mapping or a data frame."""

    def __getitem__(self, name: str, /) -> Any:
        """Return what each photograph states, (N,)."""


class Attribute(Settings):
    """One attribute: named classes, or ordered groups of a number."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)
    """Name in tables, settings and messages; also the column that states it."""
    of: Literal["person", "photograph"] = "photograph"
    """Whether all photographs of a person share it."""
    values: tuple[str, ...] = ()
    """Names of the classes, in class order."""
    bounds: tuple[Bound, ...] = ()
    """In place of values: the lowest number of each group but the first. Bounds 30 and 60 make the groups below 30,
    30 up to 60, and 60 and above."""
    train_bounds: tuple[Bound, ...] | None = None
    """Bounds of the training labels alone; null takes `bounds`. Validation and submission always use `bounds`."""
    unit: str = ""
    """Unit of the number, such as years."""
    lowest: float | None = None
    """Numbers below this one are errors of the table; null allows all."""
    highest: float | None = None
    """Numbers above this one are errors of the table; null allows all."""

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        folded = [value.strip().casefold() for value in values]
        if not all(folded) or len(set(folded)) < len(folded):
            raise ValueError(f"names of classes must be distinct and not blank, got {list(values)}")
        return values

    @field_validator("bounds", "train_bounds")
    @classmethod
    def _rising(cls, bounds: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if bounds is not None and any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"bounds must rise, got {numbers(bounds)}")
        return bounds

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.name in RESERVED or self.name.endswith(PROBABILITY) or re.fullmatch(r"p\d+", self.name):
            raise ValueError(f"{self.name!r} is the name of a column or of a voter; give the attribute another name")
        if bool(self.values) == bool(self.bounds):
            raise ValueError(
                f"{self.name} needs values, the names of its classes, or bounds, the lowest number of each group but "
                "the first" + ("; not both" if self.values else "")
            )
        if self.values and (self.train_bounds is not None or len(self.values) < 2):
            problem = "train_bounds are for attributes with bounds" if self.train_bounds else "needs two classes"
            raise ValueError(f"{self.name}: {problem}")
        if self.train_bounds is not None and len(self.train_bounds) != len(self.bounds):
            raise ValueError(f"{self.name}: train_bounds must be as many as bounds, {len(self.bounds)}")
        self.check_range((*self.bounds, *(self.train_bounds or ())))
        return self

    def check_range(self, bounds: Iterable[float]) -> None:
        """Make sure that bounds separate numbers that the attribute can have.

        Raises:
            ValueError: If one does not.
        """
        low, high = self.lowest, self.highest
        beyond = [one for one in bounds if (low is not None and one <= low) or (high is not None and one > high)]
        if beyond:
            limits = [f"above {low:g}"] if low is not None else []
            limits += [f"at most {high:g}"] if high is not None else []
            raise ValueError(f"{self.name}: bounds must be {' and '.join(limits)}, got {numbers(beyond)}")

    @property
    def is_number(self) -> bool:
        """Whether photographs state a number, which bounds turn into classes."""
        return bool(self.bounds)

    @property
    def size(self) -> int:
        """Number of classes."""
        return len(self.values) or len(self.bounds) + 1

    @property
    def class_names(self) -> list[str]:
        """Readable names of the classes in class order; of groups such as ``<30``, ``30-59``, ``>=60``."""
        if self.values:
            return list(self.values)
        whole = all(float(bound).is_integer() for bound in self.bounds)
        between = [f"{low:g}-{high - 1:g}" if whole else f"{low:g} to {high:g}" for low, high in pairwise(self.bounds)]
        return [f"<{self.bounds[0]:g}", *between, f">={self.bounds[-1]:g}"]

    def classes(self, stated: ArrayLike) -> IntArray:
        """Return the classes of what photographs state.

        Args:
            stated: Class numbers where the attribute has values (:data:`UNKNOWN` where not known); numbers where it
                has bounds (NaN where not known). Any shape.

        Returns:
            Classes, int64, same shape; :data:`UNKNOWN` where not known.
        """
        if not self.is_number:
            return np.asarray(stated, dtype=np.int64)
        number = np.asarray(stated, dtype=np.float64)
        groups = np.digitize(number, self.bounds)
        return np.where(np.isnan(number), UNKNOWN, groups).astype(np.int64)

    def given(self, text: str) -> str:
        """Return a cell of a table, empty if it stands for a missing value, such as ``NaN``, and for no class."""
        return text if folded(text) in map(folded, self.values) else given(text)

    def parse(self, text: str) -> float:
        """Return what a cell of a table states: a class number, or a number.

        Classes are named in any case, with ``_`` for a blank or not, or by their number.

        Raises:
            ValueError: If the text does not name a class or a number in range; the message is written for the user.
        """
        return self._parse_number(text) if self.is_number else self._parse_class(text)

    def _parse_class(self, text: str) -> int:
        word = folded(plain(text))
        names = [folded(value) for value in self.values]
        by_number = [str(number) for number in range(self.size)]
        for spelled in (names, by_number):
            if word in spelled:
                return spelled.index(word)
        raise ValueError(f"{self.name} {text!r} is none of {', '.join(self.values)} or {', '.join(by_number)}")

    def _parse_number(self, text: str) -> float:
        try:
            number = as_number(text)
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise ValueError(f"{self.name} {text!r} is not a number{f' of {self.unit}' if self.unit else ''}")
        low, high = self.lowest, self.highest
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"{self.name} {number:g} is outside {self._range()}")
        return number

    def _range(self) -> str:
        low = "" if self.lowest is None else f"{self.lowest:g}"
        high = "" if self.highest is None else f"{self.highest:g}"
        return f"{low}..{high}"

    def show(self, stated: float) -> str:
        """Return a stated class or number for people."""
        if self.is_number:
            return "unknown" if np.isnan(stated) else f"{stated:g}"
        return "unknown" if stated < 0 else self.values[int(stated)]

    @property
    def unknown(self) -> float:
        """What stands for an unknown value: NaN for numbers, :data:`UNKNOWN` for classes."""
        return float("nan") if self.is_number else UNKNOWN


class Scheme(Settings):
    """The attributes, in the order in which they make up the joint class."""

    name: str = Field("custom", pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)
    """Name of the scheme, for people and for registries."""
    attributes: Annotated[tuple[Attribute, ...], Field(min_length=1, max_length=16)]
    """In class order: the last one changes fastest from one joint class to the next."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        doubles = sorted({name for name in self.names if self.names.count(name) > 1})
        if doubles:
            raise ValueError(f"names of attributes must differ; used twice: {', '.join(doubles)}")
        if self.n_classes > MAX_CLASSES:
            raise ValueError(f"{self.n_classes} joint classes are more than {MAX_CLASSES}; leave attributes out")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes."""
        return tuple(attribute.name for attribute in self.attributes)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """What a network can predict: the joint class, or one attribute."""
        return (JOINT, *self.names)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Names of the attributes that tables show beside the joint class; none if the only one is the joint class."""
        return self.names if len(self.names) > 1 else ()

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of classes of each attribute."""
        return tuple(attribute.size for attribute in self.attributes)

    @cached_property
    def n_classes(self) -> int:
        """Number of joint classes."""
        return int(np.prod(self.shape))

    def __getitem__(self, name: str) -> Attribute:
        """Return the attribute of that name."""
        return self.attributes[self.names.index(name)]

    def of(self, owner: Literal["person", "photograph"]) -> tuple[Attribute, ...]:
        """Return the attributes of a person, or those of a photograph."""
        return tuple(attribute for attribute in self.attributes if attribute.of == owner)

    def members(self, target: str) -> tuple[Attribute, ...]:
        """Return the attributes that a target is made of: all for the joint class, else that one."""
        return self.attributes if target == JOINT else (self[target],)

    def size(self, target: str) -> int:
        """Return the number of classes of a target."""
        return self.n_classes if target == JOINT else self[target].size

    def class_names(self, target: str = JOINT) -> list[str]:
        """Return readable class names of a target in class order; joint ones such as ``wear / male / <30``."""
        if target != JOINT:
            return self[target].class_names
        parts = [attribute.class_names for attribute in self.attributes]
        return [" / ".join(parts[i][c] for i, c in enumerate(place)) for place in np.ndindex(self.shape)]

    def encode(self, labels: ArrayLike) -> IntArray:
        """Combine attribute classes into joint classes.

        Args:
            labels: Classes of the attributes in their order, (..., attributes).

        Returns:
            Joint classes, int64, (...).

        Raises:
            ValueError: If a class is out of range.
        """
        array = np.asarray(labels, dtype=np.int64)
        for attribute, values in zip(self.attributes, np.moveaxis(array, -1, 0), strict=True):
            if values.size and (values.min() < 0 or values.max() >= attribute.size):
                raise ValueError(
                    f"{attribute.name} classes must be 0..{attribute.size - 1}, got {values.min()}..{values.max()}"
                )
        return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(array, -1, 0)), self.shape), dtype=np.int64)

    def decode(self, classes: ArrayLike) -> IntArray:
        """Split joint classes into attribute classes; the inverse of :meth:`encode`.

        Args:
            classes: Joint classes, any shape.

        Returns:
            Classes of the attributes, int64, (..., attributes).

        Raises:
            ValueError: If a class is out of range.
        """
        array = np.asarray(classes, dtype=np.int64)
        if array.size and (array.min() < 0 or array.max() >= self.n_classes):
            raise ValueError(f"joint classes must be 0..{self.n_classes - 1}, got {array.min()}..{array.max()}")
        return np.stack(np.unravel_index(array, self.shape), axis=-1).astype(np.int64)

    def column(self, labels: IntArray, target: str) -> IntArray:
        """Return the classes of a target from (..., attributes); joint classes need every attribute known."""
        return self.encode(labels) if target == JOINT else labels[..., self.names.index(target)]

    def is_whole(self, target: str) -> bool:
        """Whether a target determines the joint class: it is the joint class itself, or the only attribute."""
        return target == JOINT or not self.parts

    def implied(self, target: str, classes: IntArray) -> dict[str, IntArray]:
        """Return the classes, (N,), of the joint class and of :attr:`parts` that the classes of one target imply."""
        if not self.is_whole(target):
            return {target: classes}
        labels = self.decode(classes)
        return {name: self.column(labels, name) for name in (JOINT, *self.parts)}

    def labels(self, stated: Columns) -> IntArray:
        """Return the classes of what photographs state.

        Args:
            stated: A column for each attribute, (N,); see :meth:`Attribute.classes`.

        Returns:
            Classes, int64, (N, attributes); :data:`UNKNOWN` where not known.
        """
        return np.stack([attribute.classes(stated[attribute.name]) for attribute in self.attributes], axis=-1)

    def marginals(self, joint: FloatArray) -> dict[str, FloatArray]:
        """Sum joint probabilities, (N, classes), to those of each attribute, (N, classes of the attribute)."""
        cube = joint.reshape(len(joint), *self.shape)
        axes = range(1, cube.ndim)
        return {
            name: np.asarray(cube.sum(axis=tuple(axis for axis in axes if axis != place)))
            for place, name in enumerate(self.names, start=1)
        }

    def product(self, attributes: Mapping[str, FloatArray]) -> FloatArray:
        """Combine attributes as if independent: p(joint class) is the product of its attributes' probabilities.

        Args:
            attributes: (N, classes of the attribute) by name.

        Returns:
            (N, joint classes).
        """
        found: FloatArray = np.ones((len(attributes[self.names[0]]), 1))
        for name in self.names:
            values = attributes[name]
            size = found.shape[1] * values.shape[1]
            found = (found[:, :, None] * values[:, None, :]).reshape(len(found), size)
        return found

    def with_bounds(self, bounds: Mapping[str, tuple[float, ...]]) -> Scheme:
        """Return the scheme with other bounds of some attributes, such as finer bins for training."""
        changed = tuple(
            attribute.model_copy(update={"bounds": bounds[attribute.name], "train_bounds": None})
            if attribute.name in bounds
            else attribute
            for attribute in self.attributes
        )
        return Scheme(name=self.name, attributes=changed)

    def for_training(self) -> Scheme:
        """Return the scheme with ``train_bounds`` in place of ``bounds``."""
        return self.with_bounds({one.name: one.train_bounds for one in self.attributes if one.train_bounds is not None})


def numbers(listed: Iterable[float]) -> str:
    """Return numbers for people: ``[30, 60]``."""
    return f"[{', '.join(f'{number:g}' for number in listed)}]"
