"""Checks that a file is a safetensors file, without torch: the orchestrator has none.

The format: eight bytes with the length of the header (little endian), the header as a JSON object, then the tensors.
Each entry of the header but ``__metadata__`` has ``dtype``, ``shape`` and ``data_offsets``: begin and end of the
tensor's bytes, counted from the header's end.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from maskfold.errors import WeightsError
from maskfold.regular import open_regular
from maskfold.storage.faults import disk_faults

_MAX_HEADER: Final = 32 << 20
"""Bytes; a header has about 100 for each tensor."""
_BITS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


def check_tensor_file(path: Path, name: str) -> None:
    """Make sure that a file is a complete safetensors file: its tensors fill it, without gaps or overlaps.

    Args:
        path: The file.
        name: Name used in messages.

    Raises:
        WeightsError: If it is not.
        WorkspaceError: If it cannot be read.
    """
    with disk_faults(f"read {path}"), open_regular(path) as stream:
        size = path.stat().st_size
        length = int.from_bytes(stream.read(8), "little")
        if size < 10 or not 2 <= length <= min(size - 8, _MAX_HEADER):
            raise _wrong(name, "it does not begin with the length of a header")
        header = stream.read(length)
    try:
        spans = _spans(json.loads(header))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _wrong(name, "its header does not describe tensors") from None
    end = 0
    for begin, until in sorted(spans):
        if begin != end:
            raise _wrong(name, "its tensors overlap, or leave gaps")
        end = until
    if not spans or 8 + length + end != size:
        raise _wrong(name, f"it has {size - 8 - length:,} bytes of tensors where its header describes {end:,}")


def _spans(header: Any) -> list[tuple[int, int]]:
    """Return begin and end of each tensor.

    Raises:
        ValueError, TypeError, KeyError: If the header is not one.
    """
    if not isinstance(header, dict):
        raise TypeError("not an object")
    spans = []
    for key, entry in header.items():
        if key != "__metadata__":
            begin, end = entry["data_offsets"]
            sides = [*entry["shape"], begin, end]
            if not all(type(side) is int and 0 <= side < 1 << 62 for side in sides):
                raise ValueError("not sizes")
            if (end - begin) * 8 != math.prod(entry["shape"]) * _BITS[entry["dtype"]]:
                raise ValueError("offsets that differ from the shape")
            spans.append((begin, end))
    return spans


def _wrong(name: str, why: str) -> WeightsError:
    return WeightsError(
        f"{name}: not a complete safetensors file: {why}; expected initial weights saved with safetensors. "
        "Nothing was copied into the workspace"
    )
