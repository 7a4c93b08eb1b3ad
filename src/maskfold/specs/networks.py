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
    """Trainable numbers of each network, by its name."""


class NetworksSpec(Spec[NetworksOutcome]):
    """Build each network once, with its initial weights, and let it look at one image, before anything is trained."""

    stage = "networks"
    version = 2
    networks: tuple[Network, ...]
    classes: tuple[int, ...]
    """Size of each one's output."""
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each one's input."""
    weights: Annotated[dict[str, Weights], OutsideKey]
    """Initial weights by backbone."""
    weights_identities: dict[str, Any] = Field(default_factory=dict)
    """What of the weights determines the result; set from ``weights``."""

    def model_post_init(self, context: Any, /) -> None:
        identities = {backbone: weights.identity for backbone, weights in self.weights.items()}
        object.__setattr__(self, "weights_identities", identities)
