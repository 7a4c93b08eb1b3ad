"""From the user's request to the specs of all jobs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from flows.corrections import check_corrections
from flows.weights import GivenWeights, find_weights
from maskfold import discovery, storage, tracking
from maskfold.errors import WorkspaceError
from maskfold.recipe import Recipe
from maskfold.specs import (
    NO_FOLD,
    CropOutcome,
    CropSpec,
    DetectSpec,
    EnsembleOutcome,
    EnsembleSpec,
    ExportSpec,
    ExternalSource,
    File,
    LookSpec,
    NetworksSpec,
    PredictEvalOutcome,
    PredictEvalSpec,
    PrepareOutcome,
    PrepareSpec,
    TrainAllOutcome,
    TrainAllSpec,
    TrainFoldOutcome,
    TrainFoldSpec,
    TrainOutcome,
    Weights,
    WeightsSpec,
)
from maskfold.storage import Workspace
from maskfold.storage.location import contains, parse


@dataclass(frozen=True)
class Plan:
    """All that is known before the first job runs."""

    recipe: Recipe
    data: str
    fingerprint: str
    workspace: Workspace
    external: tuple[ExternalSource, ...]
    given_weights: Mapping[str, GivenWeights]
    """Initial weights that the user provides, by backbone."""
    said: str = ""
    """Description of the data set, for display."""

    @classmethod
    def make(cls, data: str, workspace: str, recipe: Recipe, weights: Sequence[str] = (), said: str = "") -> Plan:
        """Check everything that can be checked without a job; write nothing.

        Args:
            data: URI of the data set.
            workspace: URI of the workspace.
            recipe: All settings, the data set's layout among them.
            weights: Initial weights: ``DIR`` or ``BACKBONE=URI`` each.
            said: Description of the data set, for display.

        Raises:
            InputError: If anything the user gave is wrong.
            UnavailableError: If the storage cannot be reached.
        """
        if recipe.dataset.reader == "auto":
            raise ValueError("the data set's layout must be known by now: see maskfold.discovery.load")
        tracking.refuse_unusable_uri()
        if contains(parse(data), parse(workspace)):
            raise WorkspaceError(
                f"workspace {workspace} is inside the data set {data}, which would then change with every run; "
                "name a folder outside of it"
            )
        listing = storage.fingerprint(data, follow_links=recipe.dataset.follow_links)
        opened = storage.open_workspace(workspace)
        if recipe.dataset.corrections not in (None, "agreed"):
            check_corrections(recipe.dataset.corrections)
        return cls(
            recipe=recipe,
            data=str(parse(data)),
            fingerprint=listing,
            workspace=opened,
            external=_external(recipe.dataset.external, workspace),
            given_weights=find_weights(recipe, weights),
            said=said,
        )

    def with_recipe(self, recipe: Recipe) -> Plan:
        """Return the same plan with other settings of its networks."""
        return replace(self, recipe=recipe)

    def hub_weights(self) -> list[WeightsSpec]:
        """Return the jobs that fetch the initial weights that the user does not provide."""
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

    @property
    def own_corrections(self) -> str | None:
        """Path or URI of the user's own corrections; the agreed ones ship with the package."""
        source = self.recipe.dataset.corrections
        return None if source == "agreed" else source

    def prepare(self, corrections: File | None = None) -> PrepareSpec:
        """Return the job that reads the data set; ``corrections`` are the user's own, in the workspace."""
        return PrepareSpec(
            workspace=self.workspace.uri,
            data=self.data,
            fingerprint=self.fingerprint,
            dataset=self.recipe.dataset,
            corrections=corrections,
            external=self.external,
            scheme=self.recipe.scheme,
            folds=self.recipe.folds,
        )

    def detect(self, prepared: PrepareOutcome) -> list[DetectSpec]:
        """Return the jobs that share the search for faces; none where one job is enough."""
        total = prepared.n_train + prepared.n_eval + prepared.n_external
        of = -(-total // self.recipe.dataset.shard_images)
        return [
            DetectSpec(**self._photographs(prepared), eval_version=prepared.eval_version, number=number, of=of)
            for number in range(1, of + 1)
            if of > 1
        ]

    def look(self, prepared: PrepareOutcome, machine: str) -> LookSpec:
        """Return the job that cuts out the faces of a sample, to measure."""
        return LookSpec(**self._photographs(prepared), eval_version=prepared.eval_version, machine=machine)

    def crop(self, prepared: PrepareOutcome) -> CropSpec:
        """Return the job that packs the faces."""
        return CropSpec(**self._photographs(prepared))

    def _photographs(self, prepared: PrepareOutcome) -> dict[str, Any]:
        """Return what every job that looks at photographs is told of them."""
        return {
            "workspace": self.workspace.uri,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "external": self.external,
            "manifest": prepared.manifest,
            "images_version": prepared.images_version,
            "crop": self.recipe.crop,
        }

    def train_folds(
        self, prepared: PrepareOutcome, cropped: CropOutcome, weights: Mapping[str, Weights]
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
                learnt_versions=tuple(map(prepared.learnt_version, network.label_sets())),
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

    def train_all(self, folds: Sequence[TrainFoldSpec], trained: Sequence[TrainFoldOutcome]) -> list[TrainAllSpec]:
        """Return one training on all people for each network, if the recipe asks for them.

        Args:
            folds: The training jobs of all folds, network by network.
            trained: Their outcomes, in the same order.
        """
        if not self.recipe.final_fit:
            return []
        k, wanted = self.recipe.folds.k, []
        for start in range(0, len(folds), k):
            first = folds[start]
            network = first.network.for_final_fit([one.best_epoch for one in trained[start : start + k]])
            shared = first.model_dump(include=set(TrainAllSpec.model_fields))
            wanted.append(TrainAllSpec.model_validate({**shared, "network": network}))
        return wanted

    def predict_eval(
        self,
        prepared: PrepareOutcome,
        cropped: CropOutcome,
        trainings: Sequence[TrainFoldSpec | TrainAllSpec],
        trained: Sequence[TrainOutcome],
    ) -> list[PredictEvalSpec]:
        """Return for each network the job that predicts the evaluation images; an empty list if there are none.

        Args:
            prepared: The data set's tables.
            cropped: The packed photographs.
            trainings: All training jobs.
            trained: Their outcomes, in the same order.
        """
        if not prepared.n_eval:
            return []
        by_network: dict[str, list[tuple[TrainFoldSpec | TrainAllSpec, TrainOutcome]]] = {}
        for pair in zip(trainings, trained, strict=True):
            by_network.setdefault(pair[0].network.name, []).append(pair)
        return [
            PredictEvalSpec(
                workspace=self.workspace.uri,
                network=network,
                trained_keys=tuple(spec.key for spec, _ in by_network[network.name]),
                folds=tuple(getattr(spec, "fold", NO_FOLD) for spec, _ in by_network[network.name]),
                weights=tuple(outcome.weights for _, outcome in by_network[network.name]),
                eval_version=prepared.eval_version,
                crop=self.recipe.crop,
                typical_face=cropped.typical_face,
                pack=cropped.faces if network.input == "face" else cropped.portraits,
                index=cropped.index,
                manifest=prepared.manifest,
            )
            for network in self.recipe.networks
        ]

    def ensemble(
        self,
        prepared: PrepareOutcome,
        cropped: CropOutcome,
        trained: Sequence[TrainFoldOutcome],
        final: Sequence[TrainAllOutcome],
        trained_keys: Sequence[str],
        evaluated: Sequence[PredictEvalOutcome],
    ) -> EnsembleSpec:
        """Return the job that votes and publishes; ``trained_keys`` are those of ``trained`` and ``final``."""
        return EnsembleSpec(
            workspace=self.workspace.uri,
            recipe=self.recipe,
            data=self.data,
            fingerprint=self.fingerprint,
            prepared=prepared,
            cropped=cropped,
            trained=tuple(trained),
            final=tuple(final),
            evaluated=tuple(evaluated),
            trained_keys=tuple(trained_keys),
            dataset_version=prepared.dataset_version,
            folds_version=prepared.folds_version,
        )

    def export(self, vote: EnsembleSpec, result: EnsembleOutcome) -> ExportSpec:
        """Return the job that makes the networks of a finished vote a model package."""
        return ExportSpec(workspace=self.workspace.uri, ensemble_key=vote.key, vote=vote, result=result)


def plan_run(
    data: str, workspace: str, recipe: str, overrides: Sequence[str] = (), weights: Sequence[str] = ()
) -> Plan:
    """Inspect the data set, load the recipe for it and plan the run, from the user's arguments.

    Raises:
        InputError: If anything the user gave is wrong.
        UnavailableError: If the storage cannot be reached.
    """
    found, settings = discovery.load(data, recipe, overrides)
    return Plan.make(found.data, workspace, settings, weights, found.said)


_handed: ContextVar[Plan | None] = ContextVar("plan", default=None)


@contextlib.contextmanager
def handed(plan: Plan) -> Iterator[None]:
    """Let a flow that starts inside use this plan, which the command line made from the same arguments."""
    token = _handed.set(plan)
    try:
        yield
    finally:
        _handed.reset(token)


def handed_plan() -> Plan | None:
    """Return the plan inside :func:`handed`, else None."""
    return _handed.get()


def _external(uris: Sequence[str], workspace: str) -> tuple[ExternalSource, ...]:
    """Find the external tables; nothing is copied."""
    sources = tuple(storage.locate_external(uri) for uri in uris)
    for source in sources:
        if contains(parse(source.folder), parse(workspace)):
            raise WorkspaceError(
                f"workspace {workspace} is inside {source.folder}, the folder of the external table {source.table}, "
                "which would then change with every run; name a folder outside of it"
            )
    return sources
