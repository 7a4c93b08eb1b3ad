"""Lets torchvision be imported beside a torch build that its compiled part does not fit.

A CPU build of torch beside a torchvision that was compiled against another build leaves torchvision without its
compiled operators, and the import fails while it registers their shape rules. Neither timm's backbones nor MTCNN's
networks need those operators, so it is enough to declare the ones that are looked up at import. Import this module
before torchvision or timm; beside a matching build it changes no results.

It also keeps torchvision and timm from importing torch's compiler, a second of processor time in every process, for the
sake of two functions: one that only torchvision's detection operators call, and one that excludes a function from being
compiled.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


_COMPILER: Final = "torch._dynamo.utils"


class _StandIn(ModuleType):
    """Has what torchvision takes from torch's compiler; is replaced if anything else is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who lists all modules asks each for its file
            raise AttributeError(name)
        if sys.modules.get(_COMPILER) is self:
            del sys.modules[_COMPILER]
        return getattr(importlib.import_module(_COMPILER), name)

    @staticmethod
    def is_compile_supported(device_type: Any) -> Any:
        """Answer as torch's own function does, which is imported when it is asked."""
        return importlib.import_module(_COMPILER).is_compile_supported(device_type)


def _disable_later(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Exclude a function from being compiled, as torch's own decorator does, which is asked at the function's call."""
    if fn is None:
        return functools.partial(_disable_later, recursive=recursive, reason=reason)

    @functools.wraps(fn)
    def excluded(*arguments: Any, **named: Any) -> Any:
        return _disable(fn, recursive, reason=reason)(*arguments, **named)  # type: ignore[no-untyped-call]

    return excluded


def _import_torchvision() -> None:
    if _COMPILER in sys.modules or importlib.util.find_spec("torchvision") is None:
        return
    sys.modules[_COMPILER] = stand_in = _StandIn(_COMPILER)
    try:
        importlib.import_module("torchvision")
    finally:
        if sys.modules.get(_COMPILER) is stand_in:
            del sys.modules[_COMPILER]


def _load_compiled_part() -> None:
    """Load torchvision's own operators, as its import would, so that only what stays missing is declared."""
    spec = importlib.util.find_spec("torchvision")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in Path(folder).glob("_C*.so"):
            try:
                torch.ops.load_library(library)  # type: ignore[no-untyped-call]
            except OSError:  # compiled against another torch: the case that this module is for
                return


def _declare_missing() -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)  # type: ignore[no-untyped-call]
    return library


_load_compiled_part()
_disable = torch.compiler.disable
torch.compiler.disable = _disable_later
_library = _declare_missing()  # the declarations live as long as this object
_import_torchvision()
