"""Dotted paths into settings as they are written: ``networks.joint.epochs``, ``scheme.attributes.age.bounds``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from maskfold.errors import RecipeError
from maskfold.wording import did_you_mean

_LONGEST: Final = 10
"""Digits of a number of an entry; Python converts no text of thousands of digits."""


def put(node: Any, path: Sequence[str], value: Any, key: str) -> Any:
    """Return settings with one value replaced; what is given stays as it is.

    Args:
        node: Settings: mappings, lists and plain values.
        path: Names in mappings; in lists an entry's name or number, or ``*`` for all entries.
        value: The value. None for an entry of a list leaves the entry out: ``networks.age-2`` of a preset.
        key: The path as the user wrote it, for messages.

    Raises:
        RecipeError: If a list has no such entry, or the path leads into a plain value.
    """
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(node, list):
        chosen = _choose(node, head, key)
        if not rest and value is None:
            return [item for number, item in enumerate(node) if number not in chosen]
        return [put(item, rest, value, key) if number in chosen else item for number, item in enumerate(node)]
    if node is None:
        node = {}
    if not isinstance(node, Mapping):
        raise RecipeError(f"setting {key}: {head!r} cannot be set inside the value {node!r}")
    return {**node, head: put(node.get(head), rest, value, key)}


def take(node: Mapping[str, Any], path: Sequence[str]) -> tuple[dict[str, Any], Any] | None:
    """Return settings without the value at a path, and that value; None if it is not given.

    Args:
        node: Settings.
        path: Names in mappings. A mapping that becomes empty is removed, too.
    """
    head, rest = path[0], path[1:]
    if head not in node:
        return None
    left = {name: value for name, value in node.items() if name != head}
    if not rest:
        return left, node[head]
    below = node[head]
    found = take(below, rest) if isinstance(below, Mapping) else None
    if found is None:
        return None
    remaining, value = found
    return ({**node, head: remaining} if remaining else left), value


def _choose(items: Sequence[Any], head: str, key: str) -> set[int]:
    if head == "*":
        return set(range(len(items)))
    names = [str(item.get("name", "")) if isinstance(item, Mapping) else "" for item in items]
    if head in names:
        return {names.index(head)}
    if head.isdecimal() and len(head) < _LONGEST and int(head) < len(items):
        return {int(head)}
    raise RecipeError(
        f"setting {key}: no entry {head!r}; there are {', '.join(names)} (or 0.., or * for all)."
        f"{did_you_mean(head, names)}"
    )
