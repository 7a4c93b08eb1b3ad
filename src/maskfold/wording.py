"""Parts of messages: the closest known name, and shortened lists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def did_you_mean(name: str, known: Iterable[str], limit: int = 1) -> str:
    """Return `` Did you mean 'cutmix'?`` with the closest known names; an empty text when none is close."""
    close = difflib.get_close_matches(name, list(known), n=limit)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def first_few(items: Sequence[object], limit: int = 5, separator: str = ", ") -> str:
    """Return ``a, b, c, and 4 more``."""
    more = [f"and {len(items) - limit:,} more"] if len(items) > limit else []
    return separator.join([*map(str, items[:limit]), *more])
