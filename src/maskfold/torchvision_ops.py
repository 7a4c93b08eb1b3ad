"""Lets torchvision be imported beside a torch build that its compiled part does not fit.

A CPU build of torch beside a torchvision that was compiled against another build leaves torchvision without its
compiled operators, and the import fails while it registers their shape rules. Neither timm's backbones nor MTCNN's
networks need those operators, so it is enough to declare the ones that are looked up at import. Import this module
before torchvision or timm; beside a matching build it changes nothing.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


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
_library = _declare_missing()  # the declarations live as long as this object
