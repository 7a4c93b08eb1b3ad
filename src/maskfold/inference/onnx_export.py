"""Networks as ONNX, by the optional extra ``onnx``."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from maskfold.errors import InputError

PACKAGES: Final = ("onnxruntime", "onnx", "onnxscript")
OUTPUT: Final = "probabilities"
OPSET: Final = 20
_MOST_BYTES: Final = (1 << 31) - (1 << 20)
"""A file of protobuf is smaller than 2 GB."""


def missing_packages() -> list[str]:
    """Return the packages of the extra that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def require_packages() -> None:
    """Make sure that the extra is installed.

    Raises:
        InputError: If it is not, with the command that installs it.
    """
    missing = missing_packages()
    if missing:
        raise InputError(
            f"ONNX needs the extra maskfold[onnx], of which {', '.join(missing)} is not installed: run "
            f"`{sys.executable} -m pip install {' '.join(PACKAGES)}`, then the same command again"
        )


def export_onnx(module: nn.Module, names: Sequence[str], examples: Sequence[Tensor], foldable: bool = True) -> Any:
    """Return a module as ONNX, an ``onnx.ModelProto`` with a batch of any size.

    Args:
        module: Takes and returns tensors with the batch first.
        names: Names of its inputs.
        examples: Inputs of two images or more.
        foldable: Compute at once what depends on weights alone; else each weight is there under its own name, and can
            be exchanged by :func:`with_weights`.

    Raises:
        InputError: If the module has an operation that ONNX lacks, or is too large.
    """
    batch = torch.export.Dim("batch", min=1)
    every = tuple({0: batch} for _ in examples)
    size = sum(value.numel() * value.element_size() for value in module.state_dict().values())
    if size > _MOST_BYTES:
        raise InputError(f"ONNX: the weights have {size:,} bytes; one file can hold {_MOST_BYTES:,}. Use safetensors")
    with _quiet(), torch.no_grad():
        try:
            exported = torch.onnx.export(
                module,
                tuple(examples),
                dynamo=True,
                dynamic_shapes=(every,) if _takes_any(module) else every,
                input_names=list(names),
                output_names=[OUTPUT],
                opset_version=OPSET,
                optimize=foldable,
                verbose=False,
            )
        except Exception as error:  # the exporter raises anything
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(f"ONNX cannot express this network ({first}); use pt2 or safetensors") from error
    return exported.model_proto  # type: ignore[union-attr]


def with_weights(graph: Any, state: Mapping[str, Tensor]) -> bytes:
    """Return a graph, exported without folding, with other weights of the same shapes, as a file.

    What depends on weights alone is computed now, and normalisations become part of the convolutions before them, which
    onnxruntime, given the exporter's graph, does not do by itself: mobilenetv2_035 then takes a quarter of the time.

    Args:
        graph: An ``onnx.ModelProto``; its weights are changed.
        state: The state of a module of the same structure.

    Raises:
        KeyError: If the graph has a weight that the state lacks.
    """
    for weight in graph.graph.initializer:
        weight.raw_data = state[weight.name].detach().cpu().contiguous().numpy().tobytes()
    from onnxscript import optimizer

    with _quiet():
        content: bytes = optimizer.optimize(graph).SerializeToString()
    return content


def _takes_any(module: nn.Module) -> bool:
    """Return whether the module's inputs are ``*arguments``, whose shapes torch wants in a tuple of their own."""
    return bool(module.forward.__code__.co_flags & 0x04)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's own advice from the user, who cannot follow it."""
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
