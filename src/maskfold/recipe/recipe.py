"""A recipe: all settings of one run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, field_validator, model_validator

from maskfold.labels import OFFICIAL_AGE_BOUNDS, Target
from maskfold.recipe.base import ImageSize, OutsideKey, Probability, Settings
from maskfold.recipe.network import Network

AgeBounds = Annotated[tuple[int, int], Field(description="lower bounds of age groups 1 and 2, in years")]


class Labels(Settings):
    """How ages become classes."""

    age_bounds: AgeBounds = OFFICIAL_AGE_BOUNDS
    """Bounds that scoring, folds and submission use."""
    train_age_bounds: AgeBounds | None = None
    """Bounds for the training labels only; none takes `age_bounds`. Validation always uses `age_bounds`."""

    @field_validator("age_bounds", "train_age_bounds")
    @classmethod
    def _rising(cls, bounds: tuple[int, int] | None) -> tuple[int, int] | None:
        if bounds is not None and not 0 < bounds[0] < bounds[1] <= 120:
            raise ValueError(f"bounds must rise within 1..120, got {list(bounds)}")
        return bounds


class Dataset(Settings):
    """How the data set is read."""

    corrections: str | None = None
    """Corrections to labels: `agreed` (the ones that ship with maskfold), a csv's path or URI, or none."""
    external: tuple[str, ...] = ()
    """More photographs to train on: paths or URIs of csv files with a column `path`, relative to the csv, and any of
    `gender`, `age` and `mask`. Validation and evaluation never see them."""
    max_quarantined: Annotated[Probability, OutsideKey] = 0.01
    """Largest share of the images that may be unusable before the run is refused; rows of external tables do not
    count."""


class Folds(Settings):
    """Person-disjoint, stratified cross-validation."""

    k: int = Field(5, ge=2, le=50)
    seed: int = Field(0, ge=0)


class Margins(Settings):
    """Room around the detected face box."""

    left: NonNegativeFloat = 0.2
    top: NonNegativeFloat = 0.35
    right: NonNegativeFloat = 0.2
    bottom: NonNegativeFloat = 0.2
    unit: Literal["pixel", "box"] = "box"
    """`pixel`: pixels of the source image; `box`: shares of the box's width (left, right) or height (top, bottom)."""


class Crop(Settings):
    """From a photograph to the arrays that networks see; the same for training and evaluation images."""

    face_size: ImageSize = (128, 96)
    """Size of the packed face crops."""
    portrait_size: ImageSize = (128, 96)
    """Size of the packed whole portraits."""
    margins: Margins = Margins()
    aspect: Literal["stretch", "enlarge", "pad"] = "stretch"
    """How the box with margins takes the shape of `face_size`: it is stretched to it; it is enlarged about its centre
    until it has that shape; or it keeps its own and the rest is black."""
    border: Literal["clamp", "pad"] = "clamp"
    """What becomes of a box that reaches beyond the photograph: it is cut there, or the rest is black."""
    min_probability: Probability = 0.9
    """A detection below this probability does not count as a face."""


class Ensemble(Settings):
    """How the networks' probabilities become one answer."""

    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    """Voting weight of a network by name, or of `attributes` for the product of attribute networks; default 1."""


class Recipe(Settings):
    """All settings of one run."""

    name: Annotated[str, OutsideKey] = "custom"
    description: Annotated[str, OutsideKey] = ""
    labels: Labels = Labels()
    dataset: Dataset = Dataset()
    folds: Folds = Folds()
    crop: Crop = Crop()
    networks: Annotated[tuple[Network, ...], Field(min_length=1)]
    """Each is trained on each fold."""
    ensemble: Ensemble = Ensemble()
    deterministic: bool = True
    """Same machine, same recipe, same numbers, to the last bit."""
    final_fit: bool = False
    """Whether each network is trained once more, on all people, for the median number of epochs that its folds kept.
    It votes beside its folds' networks; scores stay those of the folds."""
    checkpoint_seconds: Annotated[PositiveFloat, OutsideKey] = 600.0
    """Longest time between two checkpoints of a training, besides the one at each epoch's end."""
    max_job_restarts: Annotated[NonNegativeInt, OutsideKey] = 2
    """How often a job that was killed or lost its storage is started again."""

    @model_validator(mode="after")
    def _check_networks(self) -> Self:
        names = [network.name for network in self.networks]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"network names must differ; used twice: {', '.join(doubles)}")
        reserved = sorted({"vote", "attributes"} & set(names))
        if reserved:
            raise ValueError(
                f"a network cannot be called {reserved[0]!r}: tables use that name for the combined answer"
            )
        targets = {network.target for network in self.networks}
        missing = {"mask", "gender", "age"} - targets
        if "joint" not in targets and missing:
            raise ValueError(
                "networks can only predict all 18 classes with a joint network or with mask, gender and age networks "
                f"together; missing: {', '.join(sorted(missing))}"
            )
        if targets & {"mask", "gender", "age"} and missing:
            raise ValueError(
                "attribute networks combine as p(mask) p(gender) p(age), so they come as a set of three; "
                f"missing: {', '.join(sorted(missing))}"
            )
        self._check_weights(targets)
        unknown = set(self.ensemble.weights) - set(names) - {"attributes"}
        if unknown:
            raise ValueError(f"ensemble.weights names no network: {', '.join(sorted(unknown))}; networks: {names}")
        return self

    def _check_weights(self, targets: set[Target]) -> None:
        weights = self.ensemble.weights
        for target in targets:
            members = [network.name for network in self.networks if network.target == target]
            if target != "joint" and all(weights.get(name, 1.0) == 0 for name in members):
                raise ValueError(f"ensemble.weights gives no {target} network a vote; weight 0: {', '.join(members)}")
        joint = [network.name for network in self.networks if network.target == "joint"]
        voters = [*joint, "attributes"] if targets != {"joint"} else joint
        if all(weights.get(name, 1.0) == 0 for name in voters):
            raise ValueError(f"ensemble.weights gives nobody a vote; weight 0: {', '.join(voters)}")

    @model_validator(mode="after")
    def _check_ages(self) -> Self:
        bounds = self.labels.train_age_bounds or self.labels.age_bounds
        for network in self.networks:
            try:
                network.ages.check_bounds(bounds)
            except ValueError as error:
                raise ValueError(f"networks.{network.name}: {error}") from None
        return self

    def network(self, name: str) -> Network:
        """Return the network of that name."""
        return next(network for network in self.networks if network.name == name)
