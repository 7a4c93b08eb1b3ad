"""Names the format of a file by its first bytes, for messages about files that are not what their names say."""

from __future__ import annotations

from typing import Final

_BEGINNINGS: Final = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook (xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document, such as an Excel workbook (xls)"),
    (b"PAR1", "a parquet table"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"GIF8", "a GIF image"),
    (b"\xff\xd8\xff", "a damaged JPEG image"),
    (b"\x89PNG", "a damaged PNG image"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"%!PS", "a PostScript document"),
)
_HTML: Final = (b"<!doctype html", b"<html", b"<head", b"<?xml")
_BRANDS: Final = {
    b"avif": "an AVIF image",
    b"avis": "an AVIF image",
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"hevc": "a HEIC image",
    b"heim": "a HEIC image",
    b"heis": "a HEIC image",
    b"mif1": "a HEIF image",
    b"msf1": "a HEIF image",
    b"qt  ": "a QuickTime film",
}
"""Brands of the ISO media format, whose files begin with a box ``ftyp``."""


def kind_of(content: bytes) -> str | None:
    """Return what a file is, such as ``a HEIC image``; None if its beginning does not say."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "a film (MP4)")
    if content.startswith(b"RIFF"):
        return "a damaged WebP image" if content[8:12] == b"WEBP" else "a sound or a film (RIFF)"
    text = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_HTML):
        return "a web page (HTML or XML), as a failed download leaves"
    if not content.strip(b"\0"):
        return "only zero bytes, as an interrupted copy leaves"
    return None


def is_heif(content: bytes) -> bool:
    """Return whether a file is a HEIC, HEIF or AVIF image by its beginning."""
    return content[4:8] == b"ftyp" and "image" in _BRANDS.get(content[8:12], "")
