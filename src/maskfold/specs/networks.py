"""Job ``networks``: build every network once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from maskfold.recipe import Network, OutsideKey
from maskfold.specs.spec import Outcome, Spec
from maskfold.specs.weights import Weights


class NetworksOutcome(Outcome):
    """All networks can be built."""

    parameters: dict[str, int]
    """Number of trainable parameters of each network, by its name."""


class NetworksSpec(Spec[NetworksOutcome]):
    """Build each network once, with its initial weights, and run it on one image, before any training."""

    stage = "networks"
    version = 2
    networks: tuple[Network, ...]
    classes: tuple[int, ...]
    """Number of outputs of each network."""
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each network's input."""
    weights: Annotated[dict[str, Weights], OutsideKey]
    """Initial weights by backbone."""
    weights_identities: dict[str, Any] = Field(default_factory=dict)
    """The properties of the weights that determine the result; set from ``weights``."""

    def model_post_init(self, context: Any, /) -> None:
        identities = {backbone: weights.identity for backbone, weights in self.weights.items()}
        object.__setattr__(self, "weights_identities", identities)
