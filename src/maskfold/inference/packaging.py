"""Makes the package of a finished vote; see :mod:`maskfold.specs.model`."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Final

import numpy as np

import maskfold
from maskfold.dataset import read_manifest
from maskfold.ensemble.breakdown import class_scores, slice_scores
from maskfold.ensemble.calibration import confidence, fit_temperature
from maskfold.ensemble.combination import Combination
from maskfold.ensemble.inputs import combine_outcomes
from maskfold.ensemble.vote import PRODUCT
from maskfold.errors import InvariantError
from maskfold.inference.model_card import model_card
from maskfold.specs import (
    ExportOutcome,
    ExportSpec,
    File,
    ModelPackage,
    PackagedFile,
    PackagedNetwork,
    TrainOutcome,
    model_name,
)
from maskfold.specs.model import CARD_FILE, MODEL_FILE, SUMS_FILE, UNSURE, TrainingProfile
from maskfold.storage import Workspace

_QUANTILES: Final = (0.05, 0.5, 0.95)


def make_package(spec: ExportSpec, workspace: Workspace, seconds: Callable[[], float]) -> ExportOutcome:
    """Write the package of a vote into its workspace; ``model.json`` last.

    Args:
        spec: The vote and its result.
        workspace: Where both are.
        seconds: Returns the wall time since the job began.

    Raises:
        InvariantError: If the vote has no score over the joint classes.
    """
    manifest = read_manifest(workspace.fetch(spec.vote.prepared.manifest))
    combination = combine_outcomes(spec.vote, manifest, workspace.fetch)
    voters, files = _networks(spec, workspace)
    package = _describe(spec, combination, voters)
    card = workspace.write(f"{spec.folder}/{CARD_FILE}", model_card(package).encode())
    package = package.model_copy(update={"card": _packaged(card, CARD_FILE)})
    content = package.model_dump_json(indent=1).encode() + b"\n"
    sums = {file.name: file.sha256 for file in package.files} | {MODEL_FILE: hashlib.sha256(content).hexdigest()}
    text = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))
    workspace.write(f"{spec.folder}/{SUMS_FILE}", text.encode())
    model = workspace.write(f"{spec.folder}/{MODEL_FILE}", content)
    if package.vote.macro_f1 is None:
        raise InvariantError("the vote has no score over the joint classes")
    return ExportOutcome(
        seconds=seconds(),
        name=package.name,
        model=model,
        digest=model.sha256,
        card=card,
        size=model.size + card.size + sum(file.size for file in files),
        temperature=package.temperature,
        macro_f1=package.vote.macro_f1,
    )


def _networks(spec: ExportSpec, workspace: Workspace) -> tuple[tuple[PackagedNetwork, ...], list[File]]:
    """Copy the weights of all trainings that have a say: fold by fold, and last those on everybody."""
    recipe, copied = spec.vote.recipe, list[File]()
    networks = []
    for network in recipe.networks:
        if not recipe.has_a_say(network.name):
            continue
        trained: Sequence[TrainOutcome] = [
            *sorted((one for one in spec.vote.trained if one.network == network.name), key=lambda one: one.fold),
            *(one for one in spec.vote.final if one.network == network.name),
        ]
        weights = []
        for number, outcome in enumerate(trained, start=1):
            name = f"{network.name}-{number}.safetensors"
            file = workspace.publish(workspace.fetch(outcome.weights), f"{spec.folder}/{name}")
            copied.append(file)
            weights.append(_packaged(file, name))
        networks.append(
            PackagedNetwork(name=network.name, target=network.target, input=network.input, weights=tuple(weights))
        )
    return tuple(networks), copied


def _describe(spec: ExportSpec, combination: Combination, networks: tuple[PackagedNetwork, ...]) -> ModelPackage:
    recipe, vote = spec.vote.recipe, combination.vote
    temperature = fit_temperature(vote.oof, vote.true)
    names = {network.name for network in networks} | {PRODUCT}
    return ModelPackage(
        name=model_name(recipe.scheme),
        key=spec.key,
        recipe=recipe.name,
        scheme=recipe.scheme,
        crop=recipe.crop,
        typical_face=spec.vote.cropped.typical_face,
        networks=networks,
        vote_weights={name: weight for name, weight in recipe.ensemble.weights.items() if name in names},
        temperature=temperature,
        training=_training(spec, combination, confidence(vote.oof, temperature)),
        dataset_version=spec.vote.dataset_version,
        ensemble_key=spec.ensemble_key,
        scores=spec.result.scores,
        classes=class_scores(combination),
        slices=slice_scores(combination),
        versions=_versions(),
        card=PackagedFile(name=CARD_FILE, sha256="0" * 64, size=0),
    )


def _training(
    spec: ExportSpec, combination: Combination, sure: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> TrainingProfile:
    train, vote, size = combination.train, combination.vote, combination.scheme.n_classes
    sides = train[["height", "width"]].to_numpy(dtype=np.float64).min(axis=1)
    low, middle, high = (round(side) for side in np.quantile(sides, _QUANTILES))
    return TrainingProfile(
        images=len(train),
        people=int(train["person"].nunique()),
        label_shares=tuple(combination.prior.tolist()),
        answer_shares=tuple((np.bincount(vote.predicted, minlength=size) / len(train)).tolist()),
        fallback_share=spec.vote.cropped.fallback_share_train,
        confidence=float(sure.mean()),
        unsure_share=float((vote.oof.max(axis=1) < UNSURE).mean()),
        shorter_side=(low, middle, high),
    )


def _versions() -> Mapping[str, str]:
    libraries = {name: version(name) for name in ("torch", "timm", "numpy")}
    return {"maskfold": maskfold.__version__, "python": platform.python_version(), **libraries}


def _packaged(file: File, name: str) -> PackagedFile:
    return PackagedFile(name=name, sha256=file.sha256, size=file.size)
