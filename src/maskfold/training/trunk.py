"""Loads initial weights into a network's trunk, and refuses files that are not weights of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from maskfold.errors import WeightsError
from maskfold.wording import first_few

LEAST_SHARE: Final = 0.5
"""Of the trunk's numbers that a file of required weights must have; what is missing stays random."""

log = logging.getLogger(__name__)


def load_trunk(model: nn.Module, file: Path, origin: str, required: bool = False) -> str:
    """Load a safetensors file into a model; the classifier keeps its random weights unless it fits.

    Tensors that depend on the input's size, such as position embeddings, are resampled as timm does.

    Args:
        model: The network.
        file: The weights.
        origin: Where they came from, for messages.
        required: Whether to refuse a file with less than half of the trunk, instead of warning.

    Returns:
        What was loaded and what was not, for people.

    Raises:
        WeightsError: If the file is not a safetensors file, no tensor fits, a tensor outside the classifier has another
            shape than in the model, a number is not real or not finite, or too little of the trunk is in the file.
    """
    try:
        found = load_file(file)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"weights {origin}: not a readable safetensors file: {error}") from None
    wanted = model.state_dict()
    head = classifier_prefixes(model)
    trunk = [name for name in wanted if not name.startswith(head)]
    if _misfits(found, wanted, trunk):
        found = _resampled(model, found)
    fitting = {name: value for name, value in found.items() if name in wanted and wanted[name].shape == value.shape}
    _check_shapes(found, wanted, _misfits(found, wanted, trunk), origin)
    learnt = [name for name in trunk if wanted[name].is_floating_point()]
    if not any(name in fitting for name in learnt):
        examples = f"the file has {first_few(list(found), limit=3)}; the network has {first_few(learnt, limit=3)}"
        raise WeightsError(f"weights {origin}: no tensor fits the network: {examples}. Is it for another backbone?")
    _check_finite(fitting, wanted, origin)
    model.load_state_dict(fitting, strict=False)
    random = [name for name in wanted if name not in fitting]
    text = _summary(fitting, random, found, len(wanted), origin)
    _check_share({name: wanted[name].numel() for name in learnt}, fitting, origin, required)
    return text


def classifier_prefixes(model: nn.Module) -> tuple[str, ...]:
    """Return what the names of the classifier's tensors begin with."""
    names = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))


def _misfits(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], trunk: Sequence[str]) -> list[str]:
    return [name for name in trunk if name in found and found[name].shape != wanted[name].shape]


def _resampled(model: nn.Module, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights adapted to the model's input size by timm's own filter for its family, if it has one."""
    adapt = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if adapt is None:
        return found
    try:
        adapted = dict(adapt(dict(found), model))
    except Exception as error:  # noqa: BLE001 - filters raise anything for weights of another network
        log.debug("weights cannot be resampled: %s", error)
        return found
    return {name: value.contiguous() for name, value in adapted.items() if isinstance(value, Tensor)}


def _check_shapes(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], names: Sequence[str], origin: str) -> None:
    if names:
        first = names[0]
        raise WeightsError(
            f"weights {origin}: {len(names)} tensors have other shapes than the network's, first {first}: "
            f"{tuple(found[first].shape)} in the file, {tuple(wanted[first].shape)} in the network. "
            "Is it for another backbone, or are backbone arguments missing in the .json beside it?"
        )


def _check_finite(fitting: Mapping[str, Tensor], wanted: Mapping[str, Tensor], origin: str) -> None:
    """Refuse infinities and NaN, also those that arise in the network's own precision, and what is no real number."""
    for name, value in fitting.items():
        if not wanted[name].is_floating_point():
            continue
        if not value.is_floating_point():
            raise WeightsError(
                f"weights {origin}: {name} has values of type {str(value.dtype).removeprefix('torch.')}, where the "
                "network has real numbers; use weights that are not quantized"
            )
        if not value.to(wanted[name].dtype).isfinite().all():
            raise WeightsError(
                f"weights {origin}: {name} has values that are not finite numbers (NaN or infinity); "
                "the file is damaged, or its training has failed: use another file"
            )


def _check_share(sizes: Mapping[str, int], fitting: Mapping[str, Tensor], origin: str, required: bool) -> None:
    lost = [name for name in sizes if name not in fitting]
    share = 1 - sum(sizes[name] for name in lost) / sum(sizes.values())
    missing = f"{len(lost)} tensors of the trunk are not in the file: {first_few(lost, limit=3)}"
    if required and share < LEAST_SHARE:
        raise WeightsError(
            f"weights {origin}: only {share:.1%} of the trunk's numbers are in the file, and pretrained is required: "
            f"{missing}. Name a file with the weights of this backbone, or set pretrained=if-available"
        )
    if lost:
        log.warning("weights %s: %s", origin, missing)


def _summary(
    fitting: Mapping[str, Tensor], random: Sequence[str], found: Mapping[str, Tensor], n_wanted: int, origin: str
) -> str:
    unused = [name for name in found if name not in fitting]
    text = f"{origin}: {len(fitting)} of {n_wanted} tensors loaded"
    if random:
        text += f"; not in the file, left random: {first_few(random, limit=3)}"
    if unused:
        text += f"; not used: {first_few(unused, limit=3)}"
    return text
