"""Job ``weights``: a backbone's pretrained weights."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from maskfold.recipe import Settings
from maskfold.recipe.network import BackboneName
from maskfold.settings import ChannelMeans, ChannelSpreads
from maskfold.specs.spec import File, Outcome, Spec


class Weights(Settings):
    """Initial weights of a backbone, as a safetensors file in the workspace."""

    file: File
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    """How the backbone must be built for these weights."""
    mean: ChannelMeans | None = None
    std: ChannelSpreads | None = None
    origin: str
    """Where they came from, for display."""

    @property
    def identity(self) -> dict[str, Any]:
        """The properties that determine a result."""
        return {"sha256": self.file.sha256, "args": self.backbone_args, "mean": self.mean, "std": self.std}


class WeightsOutcome(Outcome):
    """What fetching weights found."""

    weights: Weights | None
    """None: not available, and not required."""
    reason: str = ""


class WeightsSpec(Spec[WeightsOutcome]):
    """Fetch a backbone's weights from timm's hub, once for all folds."""

    stage = "weights"
    version = 1
    backbone: BackboneName
    pretrained: Literal["required", "if-available"]

    @property
    def label(self) -> str:
        return f"weights {self.backbone}"
