"""YAML text to plain values, within limits: a few bytes of YAML can stand for more than any memory holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from maskfold.errors import RecipeError, WorkspaceError
from maskfold.regular import read_regular

_MOST_VALUES: Final = 20_000
"""Values after all aliases are expanded; the largest preset has some 500."""
_DEEPEST: Final = 100
"""Levels of groups in groups: each is a level of recursion here and in the parser, whose work for them is quadratic."""
_LONGEST_NUMBER: Final = 40
"""Characters. Longer integers are quadratic work, and no setting needs them."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, where PyYAML was built with it, is twenty times as fast."""
_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


# PyYAML raises its own errors, and those of constructors, such as that of the date 2020-99-99.
NOT_YAML: Final = (yaml.YAMLError, ValueError, RecursionError)


class LimitError(yaml.YAMLError):
    """The text stands for too much."""


def read_yaml(path: str, limit: int, where: str) -> Any:
    """Return the values of a YAML file that a user has named.

    Args:
        path: Of the file.
        limit: Bytes that it may have.
        where: What it is, for messages.

    Raises:
        RecipeError: If it cannot be read, or is not valid YAML.
    """
    try:
        text = read_regular(Path(path).expanduser(), limit).decode("utf-8")
    except (OSError, UnicodeDecodeError, WorkspaceError, RuntimeError) as error:  # also of an unknown ~user
        raise RecipeError(f"{where}: cannot be read as UTF-8 text: {error}") from None
    try:
        return load_yaml(text)
    except NOT_YAML as error:
        raise RecipeError(f"{where}: not valid YAML: {error}") from None


def load_yaml(text: str) -> Any:
    """Return the values of a YAML text.

    Raises:
        yaml.YAMLError: If it is not valid YAML, or stands for too many values or too long numbers.
        ValueError, RecursionError: As PyYAML's constructors raise them.
    """
    _check_size(text)
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_size(text: str) -> None:
    """Refuse what has too many values or levels, before anything is built from it."""
    values = depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        values += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if values > _MOST_VALUES:
            raise _too_many()
        if depth > _DEEPEST:
            raise LimitError(f"more than {_DEEPEST} levels of lists and groups in each other")


def _too_many() -> LimitError:
    return LimitError(f"more than {_MOST_VALUES:,} values, with all aliases expanded")


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of values that a node stands for, aliases expanded."""
    if id(node) in known:
        if known[id(node)] == 0:
            raise LimitError("an alias contains itself")
        return known[id(node)]
    known[id(node)] = 0
    if isinstance(node, yaml.ScalarNode):
        if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise LimitError(f"a number of {len(node.value):,} characters")
        total = 1
    elif isinstance(node, yaml.MappingNode):
        total = 1 + sum(_count(key, known) + _count(value, known) for key, value in node.value)
    else:
        total = 1 + sum(_count(value, known) for value in node.value)
    if total > _MOST_VALUES:
        raise _too_many()
    known[id(node)] = total
    return total
