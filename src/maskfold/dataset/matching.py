"""Pairs names that are equal to people and different to the code.

macOS decomposes accents and Hangul, Windows writes backslashes and ignores case, spreadsheets drop leading zeros, and
web pages add invisible blanks. Names are paired only where one name on each side can be meant; others are left alone.
"""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from maskfold.cells import visible
from maskfold.dataset import code_page
from maskfold.dataset.names import unsafe_name
from maskfold.layouts import PHOTOGRAPHS, is_litter, is_photograph
from maskfold.listing import is_folder, listing
from maskfold.wording import first_few

Form = tuple[str, Callable[[str], str]]
"""What it ignores, in words, and the function that removes it."""

_LEADING_ZEROS: Final = re.compile(r"(?<!\d)0+(?=\d)", re.ASCII)
_ALIKE: Final = 0.8
"""Least similarity, 0..1, of names of which one may be a renamed other."""
_FEW: Final = 50
"""Each name is compared with all of so many others; of more, with those that share a part between underscores."""


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _visible(name: str) -> str:
    """Drop invisible characters and superfluous blanks from each part of a path."""
    return "/".join(map(visible, name.split("/")))


def _relative(name: str) -> str:
    """Drop what leads to the folder of images, and turn backslashes."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if "images" in parts[:-1]:
        parts = parts[len(parts) - parts[::-1].index("images") :]
    return "/".join(parts)


def _without_extension(name: str) -> str:
    path = PurePosixPath(name)
    return name[: -len(path.suffix)] if path.suffix.casefold() in PHOTOGRAPHS else name


def _from_code_page(name: str) -> str:
    """Read a Korean name right that an archive program took for English."""
    try:
        return name.encode("cp437").decode("cp949")
    except UnicodeError:
        return name


FOLDER_FORMS: Final[tuple[Form, ...]] = (
    ("Unicode form", _composed),
    ("invisible or trailing blanks", _visible),
    ("the folder before it or backslashes", _relative),
    ("upper and lower case", str.casefold),
    ("leading zeros", lambda name: _LEADING_ZEROS.sub("", name)),
)
"""What names of folders may differ in, from the least to the most; each is ignored together with those before it."""
FILE_FORMS: Final[tuple[Form, ...]] = (
    *FOLDER_FORMS[:4],
    ("the extension", _without_extension),
    FOLDER_FORMS[4],
)
"""The same for photographs. Only extensions of photographs are extensions: ``cat.v1`` is not ``cat.jpg``."""


def pair(asked: Iterable[str], present: Iterable[str], forms: Sequence[Form]) -> dict[str, str]:
    """Pair names with the names that exist.

    Args:
        asked: Names as a table states them, all different.
        present: Names that exist, all different.
        forms: What they may differ in.

    Returns:
        The existing name of each asked name that has one; each at most once.
    """
    wanted, kept = list(asked), list(present)
    pairs = {name: name for name in set(kept).intersection(wanted)}
    if len(pairs) < len(wanted):
        pairs |= _pair(wanted, {name: name for name in kept}, forms, pairs)
        read = {name: _from_code_page(name) for name in kept}
        pairs |= _pair(wanted, {name: right for name, right in read.items() if right != name}, forms, pairs)
    return {name: pairs[name] for name in wanted if name in pairs}


def _pair(
    asked: Iterable[str], present: Mapping[str, str], forms: Sequence[Form], known: Mapping[str, str]
) -> dict[str, str]:
    """Return further pairs; ``present`` maps each name to how it is read."""
    keys, kept = {name: name for name in asked}, dict(present)
    pairs, taken = dict(known), set(known.values())
    for _, form in forms:
        keys = {name: form(key) for name, key in keys.items()}
        kept = {name: form(key) for name, key in kept.items()}
        n_asked, n_present = Counter(keys.values()), Counter(kept.values())
        by_key = {key: name for name, key in kept.items() if n_present[key] == 1}
        for name, key in keys.items():
            found = by_key.get(key)
            if name not in pairs and n_asked[key] == 1 and found is not None and found not in taken:
                pairs[name] = found
                taken.add(found)
    return pairs


def spelling(name: str) -> str:
    """Return the form in which two spellings of one person's name are equal."""
    return visible(name).casefold()


def difference(asked: str, found: str, forms: Sequence[Form]) -> str:
    """Return what two paired names differ in, in words."""

    def equal_in(forms: Sequence[Form]) -> bool:
        one, other = asked, found
        for _, form in forms:
            one, other = form(one), form(other)
        return one == other

    for n in range(1, len(forms) + 1):
        if equal_in(forms[:n]):
            needed = [words for i, (words, _) in enumerate(forms[:n]) if not equal_in([*forms[:i], *forms[i + 1 : n]])]
            return " and ".join(needed)
    return "a Korean code page"


def repaired(pairs: Mapping[str, str], forms: Sequence[Form], what: str) -> tuple[str, ...]:
    """Return sentences for users on names that were paired although they differ.

    Args:
        pairs: From :func:`pair`.
        forms: Likewise.
        what: Which names, such as ``ImageIDs of eval/info.csv``.
    """
    by_words: dict[str, list[str]] = defaultdict(list)
    for asked, found in pairs.items():
        if asked != found:
            by_words[difference(asked, found, forms)].append(f"{asked[:80]!r} is {found[:80]!r}")
    return tuple(
        f"{len(named)} {what} differ from the names on disk in {words}; each can mean one file or folder "
        f"only, which is used: {first_few(named, limit=3, separator='; ')}"
        for words, named in by_words.items()
    )


def find_files(paths: Iterable[str], folder: Path, table: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Find the photographs that a table names in another way than the disk does.

    Args:
        paths: As in the table.
        folder: The table's folder.
        table: The table's name, for messages.

    Returns:
        The file of each such path, relative to the folder; and sentences for users.
    """
    asked = list(dict.fromkeys(path for path in paths if path))
    if all(unsafe_name(path) is None and os.path.lexists(folder / path) for path in asked):
        return {}, ()
    present = [name for name in _below(folder) if unsafe_name(name) is None]
    found, what = pair(asked, present, FILE_FORMS), f"paths of {table}"
    return found, (*repaired(found, FILE_FORMS, what), *code_page.repairs(folder, found.values(), what))


def _below(folder: Path, prefix: str = "") -> Iterator[str]:
    """Yield the photographs below a folder; links to folders are not followed."""
    for entry in listing(folder):
        if is_folder(entry) and not entry.is_symlink() and not is_litter(entry.name):
            yield from _below(Path(entry.path), f"{prefix}{code_page.as_read(entry)}/")
        elif is_photograph(entry.name):
            yield prefix + code_page.as_read(entry)


def alike(orphans: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Pair each name with the most similar one of other names, as if it had been renamed; each at most once."""
    left, right = sorted(orphans), sorted(others)
    by_part: dict[str, list[str]] = defaultdict(list)
    for other in right:
        for part in {other, *other.casefold().split("_")} if len(right) > _FEW else {""}:
            by_part[part].append(other)
    scores = {
        (-_similarity(one, other), one, other)
        for one in left
        for part in ({one, *one.casefold().split("_")} if len(right) > _FEW else {""})
        for other in by_part[part][:_FEW]
    }
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for score, one, other in sorted(scores):
        if -score >= _ALIKE and one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return pairs


def _similarity(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one[:200], other[:200], autojunk=False).ratio()
