"""Covers drawn on training images: which attribute they change, and how often."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from maskfold.scheme import Scheme
from maskfold.settings import Probability, Settings


class Covering(Settings):
    """Covers of many shapes and colours, drawn on faces of the training images; a bare face's class changes with it.

    For data sets whose covers are of few kinds. A target without the attribute sees any of its images covered, and
    keeps their classes. Samplers and class weights go by the classes before.
    """

    attribute: str = ""
    """The attribute that tells whether a face is covered."""
    bare: str = ""
    """Its class for faces without a cover: these are drawn on."""
    worn: str = ""
    """Its class for faces with a cover over nose, mouth and chin."""
    wrong: str = ""
    """Its class for faces with a cover that leaves the nose free: below the nose, at the chin, at one ear, over the
    eyes. Left empty, none of these are drawn."""
    p: Probability = 0.0
    """Probability that a bare face gets a cover."""
    wrong_share: Probability = 0.5
    """Share of the drawn covers that leave the nose free."""
    other: Probability = 0.0
    """Probability that a face that stays bare gets something else: a hand, a small thing, collar, hat, hair, beard."""
    recolour: Probability = 0.0
    """Probability that a covered face gets other colours: its cover is tinted, or a new one drawn over it."""

    @property
    def is_on(self) -> bool:
        """Whether any image may be drawn on."""
        return max(self.p, self.other, self.recolour) > 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.is_on and not (self.attribute and self.bare and self.worn):
            raise ValueError(
                "needs attribute, the one that tells whether a face is covered, and bare and worn, its classes for "
                "faces without a cover and with one, like {attribute: veil, bare: none, worn: full, p: 0.5}"
            )
        named = [value for value in (self.bare, self.worn, self.wrong) if value]
        if len(set(named)) < len(named):
            raise ValueError(f"bare, worn and wrong must be different classes, got {named}")
        return self

    def fits(self, scheme: Scheme) -> bool:
        """Return whether a scheme has the attribute with its classes; true where nothing is named."""
        return self._missing(scheme) is None

    def check(self, scheme: Scheme) -> None:
        """Make sure that a scheme has the attribute with its classes.

        Raises:
            ValueError: If it has not.
        """
        missing = self._missing(scheme)
        if missing is not None:
            raise ValueError(f"covering: {missing}")

    def _missing(self, scheme: Scheme) -> str | None:
        if not self.attribute:
            return None
        if self.attribute not in scheme.names:
            return f"attribute {self.attribute!r} is none of {', '.join(scheme.names)}"
        values = scheme[self.attribute].values
        for name in ("bare", "worn", "wrong"):
            value = getattr(self, name)
            if value and value not in values:
                known = ", ".join(values) or "none: it has bounds"
                return f"{name} {value!r} is no class of {self.attribute}; its classes: {known}"
        return None
