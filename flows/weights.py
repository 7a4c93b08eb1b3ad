"""The initial weights that the user provides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from maskfold import storage
from maskfold.errors import WeightsError, WorkspaceError
from maskfold.recipe import Recipe, Settings
from maskfold.settings import ChannelMeans, ChannelSpreads
from maskfold.specs import File, Weights
from maskfold.storage import Workspace
from maskfold.wording import did_you_mean

_MAX_SIDECAR = 1 << 20
"""Bytes of a description."""


class WeightsDescription(Settings):
    """The optional ``<backbone>.json`` beside ``<backbone>.safetensors``."""

    model_config = ConfigDict(extra="ignore")

    backbone: str | None = None
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    mean: ChannelMeans | None = None
    std: ChannelSpreads | None = None


@dataclass(frozen=True)
class GivenWeights:
    """A file of initial weights that the user names, and how to use it."""

    uri: str
    description: WeightsDescription

    def adopt(self, workspace: Workspace) -> Weights:
        """Copy the file into the workspace, for jobs on any machine."""
        return self._weights(storage.adopt(workspace, self.uri, lambda path: storage.check_tensor_file(path, self.uri)))

    def foresee(self) -> Weights | None:
        """Return what :meth:`adopt` would, without copying anything; None for a file on S3."""
        file = storage.foresee(self.uri)
        return None if file is None else self._weights(file)

    def _weights(self, file: File) -> Weights:
        return Weights(
            file=file,
            backbone_args=self.description.backbone_args,
            mean=self.description.mean,
            std=self.description.std,
            origin=f"{PurePosixPath(self.uri).name} given with --weights",
        )


def find_weights(recipe: Recipe, sources: Sequence[str]) -> dict[str, GivenWeights]:
    """Find the weights that the user provides, by backbone.

    Args:
        recipe: Determines which backbones can use weights.
        sources: ``DIR`` or ``BACKBONE=URI`` each; later ones override earlier ones.

    Raises:
        WeightsError: If a source has no weights that the recipe could use, or describes them wrongly.
        UnavailableError: If a server cannot be reached.
    """
    backbones = sorted({network.backbone for network in recipe.networks if network.pretrained != "none"})
    if sources and not backbones:
        raise WeightsError(
            f"--weights {sources[0]}: every network of the recipe has pretrained: none, so no weights would be used; "
            "omit --weights, or add --set 'networks.*.pretrained=if-available'"
        )
    found: dict[str, GivenWeights] = {}
    for source in sources:
        try:
            found |= _find(source, backbones)
        except WorkspaceError as error:
            raise WeightsError(f"--weights {source}: {error}") from None
    return found


def _find(source: str, backbones: Sequence[str]) -> dict[str, GivenWeights]:
    name, separator, uri = source.partition("=")
    if separator and "/" not in name:
        if name not in backbones:
            raise WeightsError(
                f"--weights {source}: the recipe uses weights of {', '.join(backbones)}, not of {name!r}."
                f"{did_you_mean(name, backbones)}"
            )
        return {name: _describe(name, uri)}
    if source.endswith(".safetensors"):
        raise WeightsError(f"--weights {source}: expected a folder; a single file is given as BACKBONE={source}")
    names = set(storage.list_folder(source))
    there = [backbone for backbone in backbones if f"{backbone}.safetensors" in names]
    for file in (f"{source.rstrip('/')}/{backbone}.safetensors" for backbone in there):
        _refuse_link(file)
    if not there:
        wanted = " or ".join(f"{backbone}.safetensors" for backbone in backbones)
        raise WeightsError(f"--weights {source}: the recipe could use {wanted}, and the folder has none of them")
    return {name: _describe(name, f"{source.rstrip('/')}/{name}.safetensors") for name in there}


def _describe(backbone: str, uri: str) -> GivenWeights:
    if not uri.endswith(".safetensors"):
        raise WeightsError(f"weights of {backbone}: expected a .safetensors file, got {uri!r}")
    sidecar = uri.removesuffix(".safetensors") + ".json"
    described = WeightsDescription()
    if storage.exists(sidecar):
        _refuse_link(sidecar)
        try:
            described = WeightsDescription.model_validate_json(storage.read_uri(sidecar, _MAX_SIDECAR))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise WeightsError(
                f"{sidecar}: expected JSON with backbone_args, mean, std (of three numbers each): "
                f"{where}{': ' if where else ''}{first['msg']}"
            ) from None
    if described.backbone not in (None, backbone):
        raise WeightsError(
            f"{sidecar}: describes weights of {described.backbone}, not of {backbone}; "
            f"give them as {described.backbone}={uri}, or correct the file"
        )
    if not storage.exists(uri):
        raise WeightsError(f"weights of {backbone}: {uri}: there is no such file; check the path or URI")
    return GivenWeights(uri, described)


def _refuse_link(uri: str) -> None:
    """Refuse a file that was found in a folder and leads elsewhere: its content would be copied into the workspace."""
    leads_to = storage.link_out(uri)
    if leads_to is not None:
        raise WeightsError(
            f"{uri}: a link that leads out of its folder, to {leads_to}; copy the file into the folder, or name the "
            "file itself as BACKBONE=URI"
        )
