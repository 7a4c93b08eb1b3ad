"""What the cells of a table mean, as spreadsheets and data frames write them: blanks, numbers, invisible characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NO_VALUE: Final = frozenset(
    {"nan", "-nan", "nat", "<na>", "na", "n/a", "null", "unknown"}
    | {"#n/a", "#null!", "#value!", "#ref!", "#div/0!", "#name?", "#num!"}
)
"""Cells that stand for a missing value, in lower case: those of data frames, and the errors of spreadsheets. Not
``none``, which often is a class."""
_NAMES: Final = frozenset({"Na", "Nan", "Nat"})
"""Names of people, if written in this way."""
_WHOLE: Final = re.compile(r"[+-]?\d+[.,]0+", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,})", re.ASCII)
"""Not with three digits: they may be thousands."""


def tidy(text: str) -> str:
    """Return a cell without blanks and invisible characters at its ends."""
    start, end = 0, len(text)
    while start < end and is_invisible(text[start]):
        start += 1
    while end > start and is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def is_invisible(character: str) -> bool:
    """Return whether a character is a blank of any width, or a format character such as a byte-order mark."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def visible(text: str) -> str:
    """Return a text in one Unicode form, without format characters, and with plain blanks between its words only."""
    shown = unicodedata.normalize("NFC", text)
    return " ".join("".join(one for one in shown if one.isspace() or not is_invisible(one)).split())


def folded(text: str) -> str:
    """Return what is equal in all spellings of a class: in any case, with ``_`` for a blank or not."""
    return visible(text.casefold().replace("_", " "))


def given(cell: str) -> str:
    """Return a cell, or an empty text if it stands for a missing value."""
    return "" if cell.casefold() in _NO_VALUE and cell not in _NAMES else cell


def plain(cell: str) -> str:
    """Return a whole number without its fraction, ``0`` for ``0.0`` or ``27,0``; any other text as it is."""
    return re.split("[.,]", cell)[0] if _WHOLE.fullmatch(cell) else cell


def number(cell: str) -> float:
    """Return a number, with a decimal point or comma.

    Raises:
        ValueError: If the cell is not a number.
    """
    return float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)
