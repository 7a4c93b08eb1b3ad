"""Pretrained weights from timm's hub: the only module that connects to it."""

from __future__ import annotations

import contextlib
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from safetensors.torch import save_file

from maskfold import torchvision_ops  # noqa: F401 - before timm, which imports torchvision
from maskfold.errors import UnavailableError
from maskfold.training.backbones import RGB, TIMM_ARGUMENTS, check_backbone
from maskfold.training.trunk import classifier_prefixes

import timm  # isort: skip
from timm.data import resolve_model_data_config  # isort: skip
from timm.models import is_model_pretrained  # isort: skip

PROBE_SECONDS = 5.0
"""Time limit for the hub's first answer; a download has none."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pretrained:
    """A backbone's trunk, saved to a file."""

    mean: RGB
    std: RGB
    origin: str
    """Where it came from, for people."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments that the backbone needs for these weights."""


def download(backbone: str, path: Path) -> Pretrained:
    """Fetch a backbone's pretrained weights from the hub, or its local cache, and save the trunk as safetensors.

    Raises:
        RecipeError: If timm does not know the backbone.
        UnavailableError: If there are no such weights, or they cannot be downloaded.
    """
    check_backbone(backbone)
    if not is_model_pretrained(backbone):
        raise UnavailableError(f"timm has no pretrained weights for {backbone}")
    fault = _hub_fault()
    try:
        with _cache_only() if fault else contextlib.nullcontext():
            model = timm.create_model(backbone, pretrained=True)
    except Exception as error:  # hub, HTTP and file libraries each raise their own
        reason = f"the hub at {constants.ENDPOINT} cannot be reached ({fault}) and its cache has no weights"
        raise UnavailableError(reason if fault else f"{type(error).__name__}: {error}") from error
    head = classifier_prefixes(model)
    trunk = {name: value.contiguous() for name, value in model.state_dict().items() if not name.startswith(head)}
    save_file(trunk, path)
    config = model.pretrained_cfg
    source = config.get("hf_hub_id") or config.get("url") or "timm"
    normalisation = resolve_model_data_config(model)
    return Pretrained(
        mean=tuple(normalisation["mean"]),
        std=tuple(normalisation["std"]),
        origin=f"timm {backbone} ({source})",
        arguments=dict(TIMM_ARGUMENTS.get(backbone, {})),
    )


def _hub_fault() -> str | None:
    """Return why the hub does not answer, or None; its own client retries for most of a minute."""
    if constants.is_offline_mode():
        return "offline mode is set"
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - the hub's configured address
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return None  # any answer will do: the hub is reachable
    except OSError as error:
        return str(getattr(error, "reason", error))
    return None


@contextlib.contextmanager
def _cache_only() -> Iterator[None]:
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
