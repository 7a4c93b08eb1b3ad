"""Names of files below a folder, as outcomes, specs and manifests state them: never a way out of that folder."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field


def safe_relative(name: str) -> PurePosixPath | None:
    """Return a name as a relative path that stays below its folder, or None if it is not one.

    Rejected are absolute and empty names, empty, ``.`` and ``..`` parts, NUL characters, text that cannot be encoded,
    and parts longer than the 255 bytes that file systems allow.
    """
    parts = name.split("/")
    try:
        too_long = any(len(part.encode()) > 255 for part in parts)
    except UnicodeEncodeError:
        return None
    if too_long or "\0" in name or any(part in ("", ".", "..") for part in parts):
        return None
    return PurePosixPath(name)


def _below(name: str) -> str:
    if safe_relative(name) is None:
        raise ValueError("expected a relative path without empty, . and .. parts")
    return name


def _one_part(name: str) -> str:
    if "/" in _below(name):
        raise ValueError("expected a file's name, without a slash")
    return name


Address = Annotated[str, AfterValidator(_below)]
"""A path below the workspace, parts separated by slashes."""
FileName = Annotated[str, AfterValidator(_one_part)]
"""Name of a file in a folder that is named elsewhere."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""Hexadecimal; caches use it as a folder's name."""
Mark = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
"""A digest, a job's key or a run's id: equal marks stand for the same thing."""
