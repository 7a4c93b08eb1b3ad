"""The variants that `quality.py` compares: what each changes in a network of the recipe `fast`.

A variant belongs to a subject: a network of `fast`, or `vote`, the whole ensemble. Its changes replace settings of the
network (`{"sampler": "uniform"}`), each group of settings as a whole. A variant of the vote names for each network the
variant that votes, so that trainings are shared with those of the networks alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

BASE: Final = "base"
VOTE: Final = "vote"
NETWORKS: Final = ("joint", "mask", "gender", "age")
"""Those of `fast`."""


@dataclass(frozen=True)
class Variant:
    """One way to train a network, or to vote."""

    why: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Of the network's settings; of the vote: by network, the variant that votes, or None to leave the network out."""
    settings: tuple[str, ...] = ()
    """Changes of the recipe around the network, as of `maskfold run --set`, such as the crop."""
    external: bool = False
    """Whether it also learns from the tables given as `--external`."""


def steps(first: float, last: float, width: float) -> list[float]:
    """Return lower bounds of bins of equal width."""
    return [first + width * number for number in range(round((last - first) / width) + 1)]


FIVE = steps(30, 80, 5)
"""Five years each; the bounds of the groups, 45 and 60, are among them."""

_AGE: dict[str, Variant] = {
    BASE: Variant("the age network of fast"),
    "uniform": Variant("is balancing the groups worth it?", {"sampler": "uniform"}),
    "cross-entropy": Variant("what does label smoothing give?", {"loss": "cross-entropy"}),
    "bins-5": Variant("finer classes, one-hot", {"binning": {"age": {"bins": FIVE}}, "loss": "cross-entropy"}),
    "neighbours": Variant(
        "some mass to the adjacent groups alone", {"loss": {"name": "neighbour-smoothing", "smoothing": 0.2}}
    ),
}

VARIANTS: dict[str, dict[str, Variant]] = {
    "joint": {BASE: Variant("the joint network of fast")},
    "mask": {BASE: Variant("the mask network of fast")},
    "gender": {BASE: Variant("the gender network of fast")},
    "age": _AGE,
    VOTE: {BASE: Variant("fast as it is")},
}
"""By subject and name. Every subject has a `base`, which the others are compared with."""


def chosen(asked: str | None) -> Iterator[tuple[str, str]]:
    """Return subjects and names of the variants that were asked for, after each subject's base.

    Args:
        asked: `SUBJECT` or `SUBJECT/NAME`, separated by commas; None means all.

    Raises:
        ValueError: If there is no such variant.
    """
    found: dict[tuple[str, str], None] = {}
    for one in (asked or ",".join(VARIANTS)).split(","):
        subject, _, name = one.strip().partition("/")
        known = VARIANTS.get(subject, {})
        if not known or (name and name not in known):
            there = ", ".join(known) if known else ", ".join(VARIANTS)
            raise ValueError(f"--variants: {one.strip()!r} is none of them; {subject if known else 'there'}: {there}")
        found |= {(subject, each): None for each in ([BASE, name] if name else known)}
    return iter(found)


def members(subject: str, name: str) -> dict[str, str]:
    """Return the networks of a variant with the name of each one's own variant."""
    if subject != VOTE:
        return {subject: name}
    named = {network: VARIANTS[VOTE][name].changes.get(network, BASE) for network in NETWORKS}
    return {network: variant for network, variant in named.items() if variant is not None}


def check() -> None:
    """Make sure that every variant of the vote names variants that exist."""
    for name in VARIANTS[VOTE]:
        for network, variant in members(VOTE, name).items():
            if variant not in VARIANTS[network]:
                raise ValueError(f"vote/{name}: there is no variant {network}/{variant}")
    if any(low >= high for low, high in pairwise(FIVE)):
        raise ValueError("bins must rise")
