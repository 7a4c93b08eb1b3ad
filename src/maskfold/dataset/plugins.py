"""Formats of photographs that Pillow reads with a plugin: HEIC, which telephones write, and AVIF."""

from __future__ import annotations

from PIL import features

HINT = "install the extra maskfold[heif], or convert it to JPEG"


def plugin_formats() -> tuple[str, ...]:
    """Register the plugins that are installed, and return the names of their formats."""
    found = ["AVIF"] if features.check("avif") else []
    try:
        import pillow_heif
    except ImportError:
        return tuple(found)
    pillow_heif.register_heif_opener()
    return (*found, "HEIF")
