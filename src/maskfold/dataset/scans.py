"""Scans of progressive JPEGs: each costs a pass over all pixels, in a few bytes of file."""

from __future__ import annotations

import re
from typing import Final

_START_OF_SCAN: Final = 0xDA  # ISO/IEC 10918-1, table B.1
_END_OF_IMAGE: Final = 0xD9
_STANDALONE: Final = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})
"""Markers without a length, and the fill byte."""
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""A marker that ends the coded data of a scan: zeros are stuffed, restart markers belong to it."""


def count_scans(content: bytes) -> int:
    """Return the number of scans of a JPEG up to its end marker, or to the first damage; thumbnails do not count."""
    scans, at = 0, 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _END_OF_IMAGE:
            break
        if marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            scans += 1
            after = _MARKER.search(content, at)
            if after is None:
                break
            at = after.start()
    return scans
