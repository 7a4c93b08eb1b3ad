"""One suspicion: whose label, what it says, what the networks say, and how sure they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["attribute of a person", "swapped photographs", "one photograph", "duplicate person"]
Grade = Literal["sure", "likely", "weak"]

LISTED: Final = 2.0
"""Nats: less certain suspicions are not listed."""
SURE: Final = 4.0
"""Nats: of more certain ones hardly any is wrong."""


@dataclass(frozen=True)
class Change:
    """Another class for one attribute of one photograph."""

    image: str
    attribute: str
    label: int
    suggestion: int


@dataclass(frozen=True)
class Suspect:
    """What a person is asked to decide."""

    kind: Kind
    person: str
    images: tuple[str, ...]
    """The photographs in question."""
    changes: tuple[Change, ...]
    """What would be corrected; empty for a duplicate person, which no label says."""
    certainty: float
    """Nats: how much better the suggestion explains the photographs than the label does; see each kind."""
    weak: bool = False
    """The networks know too little of this for more than a hint."""
    other: str = ""
    """Of a duplicate person: the other name, or the evaluation photograph."""

    @property
    def grade(self) -> Grade:
        """How far to trust it."""
        if self.weak:
            return "weak"
        return "sure" if self.certainty > SURE else "likely"

    @property
    def id(self) -> str:
        """What tells it from others, in any audit of the same data set."""
        changes = [[one.image, one.attribute, one.label, one.suggestion] for one in self.changes]
        text = json.dumps([self.kind, self.person, sorted(self.images), changes, self.other], ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def ranked(found: list[Suspect]) -> list[Suspect]:
    """Return suspects by certainty, the most certain first and the weak ones last."""
    return sorted(found, key=lambda one: (one.weak, -one.certainty, one.kind, one.person, one.images))
