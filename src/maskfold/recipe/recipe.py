"""A recipe: all settings of one run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    model_validator,
)

from maskfold.recipe.network import Network
from maskfold.recipe.schemes import PRESETS_SCHEME, load_scheme
from maskfold.scheme import JOINT, Scheme
from maskfold.settings import Factor, ImageSize, OutsideKey, Probability, Seed, Settings

Reader = Literal["auto", "competition", "table", "folders"]


class Dataset(Settings):
    """How the data set is read."""

    reader: Reader = "auto"
    """Layout: `competition`; `table` (a csv or parquet file with a row for each photograph); `folders` (a folder for
    each class); `auto` detects the layout and reports it."""

    table: str | None = None
    """Name of the table in the data set's folder; null takes the only one."""
    corrections: str | None = None
    """Corrections to labels: `agreed` (those of the competition, which ship with maskfold), a csv's path or URI, or
    none."""
    external: tuple[str, ...] = ()
    """More photographs to train on: paths or URIs of csv or parquet files with a column `path`, relative to the
    file, and a column for any of the scheme's attributes. Validation and evaluation never see them."""
    follow_links: bool = False
    """Whether folders and tables that are links out of the data set's folder are read. Without it they are refused by
    name, so that a data set of unknown origin cannot reach other files; links inside the folder are always followed."""
    max_quarantined: Annotated[Probability, OutsideKey] = 0.01
    """Largest share of unusable images with which a run goes on; rows of external tables do not count."""
    max_eval_unreadable: Annotated[Probability, OutsideKey] = 0.1
    """Largest share of unreadable evaluation images with which a run goes on; all of them get the same answer. One of
    several is always allowed."""
    shard_images: Annotated[int, Field(ge=1, le=10_000_000), OutsideKey] = 20_000
    """Photographs of one job that looks for faces: of more, several jobs share the work, on all machines of the work
    pool. Results do not depend on it."""

    def refuses_evaluation(self, n: int, n_unreadable: int) -> bool:
        """Return whether too many of ``n`` evaluation images cannot be read."""
        return n_unreadable > max(self.max_eval_unreadable * n, n > 1)


class Folds(Settings):
    """Person-disjoint, stratified cross-validation."""

    k: int = Field(5, ge=2, le=50)
    """Number of folds. Each network is trained k times, each time without one k-th of the people."""
    seed: Seed = 0
    """Chooses who is in which fold."""


class Margins(Settings):
    """Room around the detected face box."""

    left: NonNegativeFloat = 0.2
    """Room at the left of the box."""
    top: NonNegativeFloat = 0.35
    """Room above the box; hair and forehead are there."""
    right: NonNegativeFloat = 0.2
    """Room at the right of the box."""
    bottom: NonNegativeFloat = 0.2
    """Room below the box."""
    unit: Literal["pixel", "box"] = "box"
    """`pixel`: pixels of the source image; `box`: shares of the box's width (left, right) or height (top, bottom)."""

    @model_validator(mode="after")
    def _check_room(self) -> Self:
        limit = 10 if self.unit == "box" else 20_000
        widest = max(self.left, self.top, self.right, self.bottom)
        if widest > limit:
            raise ValueError(f"margins of {widest:g} {self.unit}: at most {limit:,}; the face would be a few pixels")
        return self


class Crop(Settings):
    """From a photograph to the arrays that networks see; the same for training and evaluation images."""

    face_size: ImageSize = (128, 96)
    """Height and width of the packed face crops, in pixels."""
    portrait_size: ImageSize = (128, 96)
    """Height and width of the packed whole portraits, in pixels."""
    margins: Margins = Margins()
    """Room around the detected face box."""
    aspect: Literal["stretch", "enlarge", "pad"] = "stretch"
    """How the box with margins gets the shape of `face_size`: stretched, enlarged about its centre, or padded with
    black."""
    border: Literal["clamp", "pad"] = "clamp"
    """A box that extends beyond the photograph is cut at its edge (`clamp`) or filled with black (`pad`)."""
    min_probability: Probability = 0.9
    """A detection below this probability does not count as a face."""


class Ensemble(Settings):
    """How the networks' probabilities become one answer."""

    weights: dict[str, Factor] = Field(default_factory=dict)
    """Voting weight of a network by name, or of `attributes` for the product of attribute networks; default 1."""


class Recipe(Settings):
    """All settings of one run."""

    name: Annotated[str, OutsideKey] = "custom"
    """Name of the recipe, for people."""
    description: Annotated[str, OutsideKey] = ""
    """What the recipe is for, for people."""
    scheme: Annotated[Scheme, BeforeValidator(load_scheme)] = Field(PRESETS_SCHEME, validate_default=True)
    """What the labels are; the name of a scheme that ships with maskfold, or a list of attributes."""
    dataset: Dataset = Dataset()
    """How the data set is read."""
    folds: Folds = Folds()
    """Person-disjoint, stratified cross-validation."""
    crop: Crop = Crop()
    """From a photograph to the arrays that networks see."""
    networks: Annotated[tuple[Network, ...], Field(min_length=1, max_length=200)]
    """The networks of the ensemble; each is trained on each fold."""
    ensemble: Ensemble = Ensemble()
    """How the networks' probabilities become one answer."""
    deterministic: bool = True
    """Same machine, same recipe, same numbers, to the last bit."""
    final_fit: bool = False
    """Whether each network is trained once more, on all people, for the median number of epochs that its folds kept.
    It votes beside its folds' networks; scores stay those of the folds."""
    checkpoint_seconds: Annotated[float, Field(gt=0, le=1e7), OutsideKey] = 600.0
    """Longest time between two checkpoints of a training, besides the one at each epoch's end."""
    max_job_restarts: Annotated[int, Field(ge=0, le=1000), OutsideKey] = 2
    """How often a job that was killed or lost its storage is started again."""

    @model_validator(mode="after")
    def _check_networks(self) -> Self:
        for network in self.networks:
            try:
                network.check(self.scheme)
            except ValueError as error:
                raise ValueError(f"networks.{network.name}: {error}") from None
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
        missing = [name for name in self.scheme.names if name not in targets]
        if JOINT not in targets and missing:
            raise ValueError(
                f"networks can only predict all {self.scheme.n_classes} classes with a joint network or with one "
                f"network for each attribute; missing: {', '.join(missing)}"
            )
        if targets - {JOINT} and missing:
            raise ValueError(
                f"attribute networks combine as the product {self.product}, so they come as a set; "
                f"missing: {', '.join(missing)}"
            )
        self._check_weights(targets)
        unknown = set(self.ensemble.weights) - set(names) - {"attributes"}
        if unknown:
            raise ValueError(f"ensemble.weights names no network: {', '.join(sorted(unknown))}; networks: {names}")
        return self

    @property
    def product(self) -> str:
        """How attribute networks combine, for people: ``p(colour) p(size)``."""
        return " ".join(f"p({name})" for name in self.scheme.names)

    def _check_weights(self, targets: set[str]) -> None:
        weights = self.ensemble.weights
        for target in sorted(targets):
            members = [network.name for network in self.networks if network.target == target]
            if target != JOINT and all(weights.get(name, 1.0) == 0 for name in members):
                raise ValueError(f"ensemble.weights gives no {target} network a vote; weight 0: {', '.join(members)}")
        joint = [network.name for network in self.networks if network.target == JOINT]
        voters = [*joint, "attributes"] if targets != {JOINT} else joint
        if all(weights.get(name, 1.0) == 0 for name in voters):
            raise ValueError(f"ensemble.weights gives no network a vote; weight 0: {', '.join(voters)}")

    def network(self, name: str) -> Network:
        """Return the network of that name."""
        return next(network for network in self.networks if network.name == name)

    def has_a_say(self, network: str) -> bool:
        """Return whether a network's weight, and that of the voter that it is part of, is above 0."""
        weights = self.ensemble.weights
        voter = network if self.network(network).target == JOINT else "attributes"
        return weights.get(network, 1.0) > 0 and weights.get(voter, 1.0) > 0
