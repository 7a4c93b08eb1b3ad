"""Parts of messages: the closest known name, shortened lists, and text from files."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterable, Sequence


def did_you_mean(name: str, known: Iterable[str], limit: int = 1) -> str:
    """Return `` Did you mean 'cutmix'?`` with the closest known names; an empty text when none is close."""
    close = difflib.get_close_matches(name, list(known), n=limit)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def first_few(items: Sequence[object], limit: int = 5, separator: str = ", ") -> str:
    """Return ``a, b, c, and 4 more``."""
    more = [f"and {len(items) - limit:,} more"] if len(items) > limit else []
    return separator.join([*map(str, items[:limit]), *more])


def printable(text: str) -> str:
    """Return a text with its control, format and undecodable characters escaped; line breaks and tabs stay.

    Names, cells and headers from files can hold codes that move a terminal's cursor or reverse the reading direction.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def code_page_hint(name: str) -> str:
    """Return what to do with a name from disk that is not UTF-8, as the end of a sentence; else an empty text."""
    if name.isascii() or not any(unicodedata.category(character) == "Cs" for character in name):
        return ""
    try:
        meant = os.fsencode(name).decode("cp949")
    except UnicodeError:
        return "; its name is not UTF-8: rename it"
    return f"; its name is not UTF-8 but reads {meant!r} in the Korean code page cp949: rename it, such as with convmv"
