"""From what the user asked for to the specs of all jobs. Reads recipe, listing and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import ConfigDict, Field, PositiveFloat, ValidationError

from maskfold import discovery, storage, tracking
from maskfold.errors import RecipeError, WeightsError, WorkspaceError
from maskfold.recipe import Recipe, Settings
from maskfold.specs import (
    CropOutcome,
    CropSpec,
    EnsembleOutcome,
    EnsembleSpec,
    ExternalSource,
    File,
    NetworksSpec,
    PrepareOutcome,
    PrepareSpec,
    TrainAllOutcome,
    TrainAllSpec,
    TrainFoldOutcome,
    TrainFoldSpec,
    Weights,
    WeightsSpec,
)
from maskfold.storage import Workspace
from maskfold.storage.location import contains, parse
from maskfold.wording import did_you_mean


class WeightsDescription(Settings):
    """The optional ``<backbone>.json`` beside ``<backbone>.safetensors``."""

    model_config = ConfigDict(extra="ignore")

    backbone: str | None = None
    backbone_args: dict[str, Any] = Field(default_factory=dict)
    mean: tuple[float, float, float] | None = None
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None


@dataclass(frozen=True)
class Plan:
    """All that is known before the first job runs."""

    recipe: Recipe
    data: str
    fingerprint: str
    workspace: Workspace
    corrections: File | None
    external: tuple[ExternalSource, ...]
    given_weights: Mapping[str, Weights]
    """By backbone: what the user brought along."""
    said: str = ""
    """What the data set looks like, for people."""

    @classmethod
    def make(
        cls, data: str, workspace: str, recipe: str, overrides: Sequence[str] = (), weights: Sequence[str] = ()
    ) -> Plan:
        """Check everything that can be checked without a job.

        Raises:
            InputError: If anything the user gave is wrong.
            UnavailableError: If the storage cannot be reached.
        """
        found, settings = discovery.load(data, recipe, overrides)
        data = found.data
        tracking.refuse_unusable_uri()
        if contains(parse(data), parse(workspace)):
            raise WorkspaceError(
                f"workspace {workspace} lies in the data set {data}, which would then change with every run; "
                "name a folder outside of it"
            )
        listing = storage.fingerprint(data)
        opened = storage.open_workspace(workspace)
        return cls(
            recipe=settings,
            data=data,
            fingerprint=listing,
            workspace=opened,
            corrections=_corrections(settings.dataset.corrections, opened),
            external=_external(settings.dataset.external, workspace),
            given_weights=_given_weights(settings, weights, opened),
            said=found.said,
        )

    @property
    def n_jobs(self) -> int:
        """How many jobs there are: weights, networks, prepare, crop, the trainings of each network, ensemble."""
        trainings = self.recipe.folds.k + (1 if self.recipe.final_fit else 0)
        return len(self.hub_weights()) + 3 + len(self.recipe.networks) * trainings + 1

    def hub_weights(self) -> list[WeightsSpec]:
        """Return the jobs that fetch initial weights which the user did not bring along."""
        wanted: dict[str, bool] = {}
        for network in self.recipe.networks:
            if network.pretrained != "none" and network.backbone not in self.given_weights:
                required = network.pretrained == "required"
                wanted[network.backbone] = wanted.get(network.backbone, False) or required
        return [
            WeightsSpec(
                workspace=self.workspace.uri, backbone=name, pretrained="required" if required else "if-available"
            )
            for name, required in wanted.items()
        ]

    def networks(self, weights: Mapping[str, Weights]) -> NetworksSpec:
        """Return the job that tries the networks out; ``weights`` by backbone."""
        networks, crop = self.recipe.networks, self.recipe.crop
        packs = {"face": crop.face_size, "portrait": crop.portrait_size}
        used = {network.backbone for network in networks if network.pretrained != "none"}
        return NetworksSpec(
            workspace=self.workspace.uri,
            networks=networks,
            classes=tuple(network.classes(self.recipe.scheme) for network in networks),
            sizes=tuple(network.size or packs[network.input] for network in networks),
            weights={backbone: found for backbone, found in weights.items() if backbone in used},
        )

    def prepare(self) -> PrepareSpec:
        """Return the job that reads the data set."""
        return PrepareSpec(
            workspace=self.workspace.uri,
            data=self.data,
            fingerprint=self.fingerprint,
            dataset=self.recipe.dataset,
            corrections=self.corrections,
            external=self.external,
            scheme=self.recipe.scheme,
            folds=self.recipe.folds,
        )

    def crop(self, prepared: PrepareOutcome) -> CropSpec:
        """Return the job that packs the faces."""
        return CropSpec(
            workspace=self.workspace.uri,
            data=self.data,
            fingerprint=self.fingerprint,
            external=self.external,
            manifest=prepared.manifest,
            images_version=prepared.images_version,
            crop=self.recipe.crop,
        )

    def train_folds(
        self, prepared: PrepareOutcome, crop: CropSpec, cropped: CropOutcome, weights: Mapping[str, Weights]
    ) -> list[TrainFoldSpec]:
        """Return one training job for each network and fold; ``weights`` by backbone."""
        return [
            TrainFoldSpec(
                workspace=self.workspace.uri,
                network=network,
                fold=fold,
                n_folds=self.recipe.folds.k,
                checkpoint_seconds=self.recipe.checkpoint_seconds,
                scheme=self.recipe.scheme,
                crop=self.recipe.crop,
                typical_face=cropped.typical_face,
                deterministic=self.recipe.deterministic,
                learnt_versions=tuple(prepared.learnt_versions[labels] for labels in network.label_sets()),
                folds_version=prepared.folds_version,
                manifest=prepared.manifest,
                folds=prepared.folds,
                pack=cropped.faces if network.input == "face" else cropped.portraits,
                index=cropped.index,
                weights=weights.get(network.backbone) if network.pretrained != "none" else None,
            )
            for network in self.recipe.networks
            for fold in range(self.recipe.folds.k)
        ]

    def train_all(self, folds: Sequence[TrainFoldSpec], trained: Mapping[str, TrainFoldOutcome]) -> list[TrainAllSpec]:
        """Return one training on everybody for each network, if the recipe wants them.

        Args:
            folds: The training jobs of all folds.
            trained: Their outcomes, by key.
        """
        if not self.recipe.final_fit:
            return []
        by_network: dict[str, list[TrainFoldSpec]] = {}
        for spec in folds:
            by_network.setdefault(spec.network.name, []).append(spec)
        wanted = []
        for first, *others in by_network.values():
            kept = [trained[spec.key].best_epoch for spec in (first, *others)]
            shared = first.model_dump(include=set(TrainAllSpec.model_fields))
            wanted.append(TrainAllSpec.model_validate({**shared, "network": first.network.for_final_fit(kept)}))
        return wanted

    def ensemble(
        self,
        prepared: PrepareOutcome,
        cropped: CropOutcome,
        trained: Mapping[str, TrainFoldOutcome],
        final: Mapping[str, TrainAllOutcome],
    ) -> EnsembleSpec:
        """Return the job that votes and publishes; ``trained`` and ``final`` by the training jobs' keys."""
        return EnsembleSpec(
            workspace=self.workspace.uri,
            recipe=self.recipe,
            data=self.data,
            fingerprint=self.fingerprint,
            prepared=prepared,
            cropped=cropped,
            trained=tuple(trained.values()),
            final=tuple(final.values()),
            trained_keys=(*trained, *final),
            dataset_version=prepared.dataset_version,
            folds_version=prepared.folds_version,
        )

    def make_latest(self, vote: EnsembleSpec, result: EnsembleOutcome) -> None:
        """Let ``submissions/latest.csv`` be this run's, also when the vote was found finished and did not run."""
        if result.latest is None:
            return
        for suffix in (".sha256", ""):
            content = self.workspace.read(f"submissions/{vote.key}.csv{suffix}")
            if content is not None and content != self.workspace.read(result.latest + suffix):
                self.workspace.write(result.latest + suffix, content)


def _corrections(source: str | None, workspace: Workspace) -> File | None:
    """Copy a user's corrections into the workspace; the agreed ones ship with the package."""
    if source is None or source == "agreed":
        return None
    try:
        return storage.adopt(workspace, source)
    except WorkspaceError as error:
        raise RecipeError(f"dataset.corrections: {error}; expected agreed, or the path or URI of a csv") from None


def _external(uris: Sequence[str], workspace: str) -> tuple[ExternalSource, ...]:
    """Find the external tables; they and their images stay where they are."""
    sources = tuple(storage.locate_external(uri) for uri in uris)
    for source in sources:
        if contains(parse(source.folder), parse(workspace)):
            raise WorkspaceError(
                f"workspace {workspace} lies in {source.folder}, the folder of the external table {source.table}, "
                "which would then change with every run; name a folder outside of it"
            )
    return sources


def _given_weights(recipe: Recipe, sources: Sequence[str], workspace: Workspace) -> dict[str, Weights]:
    """Find the weights that the user brought along: ``DIR`` or ``BACKBONE=URI`` each; later ones win."""
    backbones = sorted({network.backbone for network in recipe.networks if network.pretrained != "none"})
    if sources and not backbones:
        raise WeightsError(
            f"--weights {sources[0]}: every network of the recipe says pretrained: none, so no weights would be used; "
            "leave --weights out, or say --set 'networks.*.pretrained=if-available'"
        )
    found: dict[str, Weights] = {}
    for source in sources:
        try:
            found |= _weights_from(source, backbones, workspace)
        except WorkspaceError as error:
            raise WeightsError(f"--weights {source}: {error}") from None
    return found


def _weights_from(source: str, backbones: Sequence[str], workspace: Workspace) -> dict[str, Weights]:
    name, separator, uri = source.partition("=")
    if separator and "/" not in name:
        if name not in backbones:
            raise WeightsError(
                f"--weights {source}: weights are wanted for {', '.join(backbones)}, not for {name!r}."
                f"{did_you_mean(name, backbones)}"
            )
        return {name: _adopt_weights(name, uri, workspace)}
    if source.endswith(".safetensors"):
        raise WeightsError(f"--weights {source}: expected a folder; a single file is given as BACKBONE={source}")
    names = set(storage.list_folder(source))
    there = [backbone for backbone in backbones if f"{backbone}.safetensors" in names]
    if not there:
        wanted = " or ".join(f"{backbone}.safetensors" for backbone in backbones)
        raise WeightsError(f"--weights {source}: the recipe could use {wanted}, and the folder has none of them")
    return {name: _adopt_weights(name, f"{source.rstrip('/')}/{name}.safetensors", workspace) for name in there}


def _adopt_weights(backbone: str, uri: str, workspace: Workspace) -> Weights:
    if not uri.endswith(".safetensors"):
        raise WeightsError(f"weights of {backbone}: expected a .safetensors file, got {uri!r}")
    sidecar = uri.removesuffix(".safetensors") + ".json"
    described = WeightsDescription()
    if storage.exists(sidecar):
        try:
            described = WeightsDescription.model_validate_json(storage.read_uri(sidecar))
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
    return Weights(
        file=storage.adopt(workspace, uri),
        backbone_args=described.backbone_args,
        mean=described.mean,
        std=described.std,
        origin=f"{PurePosixPath(uri).name} given with --weights",
    )
