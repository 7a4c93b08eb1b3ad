"""The data set of `quality.py`, prepared and cropped once, and the training jobs of the variants."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jobs import run_job
from quality_variants import AGAIN, VARIANTS

from flows.plan import Plan
from maskfold import discovery
from maskfold.dataset import read_folds, read_manifest
from maskfold.dataset.versions import dataset_version, learnt_versions
from maskfold.launch import folder
from maskfold.launch.local import LocalLauncher
from maskfold.recipe import Recipe, dump_recipe
from maskfold.specs import CropOutcome, File, PrepareOutcome, Spec, TrainFoldSpec
from maskfold.storage import Workspace, open_workspace

log = logging.getLogger("quality")

BASE_RECIPE = Path(__file__).with_name("quality_base.yaml")
"""What the variants start from; it stays as it is, whatever becomes of the presets."""

Trained = tuple[str, str, int]
"""Network of the base recipe, variant, seed."""


@dataclass(frozen=True)
class Given:
    """What the command line says of the material."""

    data: str
    workspace: Path
    weights: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """Of every variant, as of `maskfold run --set`."""
    backbone: str | None = None
    people: int | None = None


@dataclass(frozen=True)
class Material:
    """The data set as some variants see it, and their jobs."""

    recipe: Recipe
    manifest: pd.DataFrame
    folds: pd.DataFrame
    cropped: CropOutcome
    specs: Mapping[Trained, list[TrainFoldSpec]]
    """One for each fold."""
    workspace: Workspace


def materials(given: Given, wanted: Iterable[Trained]) -> Iterator[Material]:
    """Prepare and crop the data set, once for each crop and each set of external tables that variants ask for.

    Args:
        given: The command line.
        wanted: What is to be trained.
    """
    groups: dict[tuple[tuple[str, ...], bool], list[Trained]] = {}
    for network, name, seed in wanted:
        variant = VARIANTS[network][name]
        groups.setdefault((variant.settings, variant.external), []).append((network, name, seed))
    for (settings, external), trained in groups.items():
        overrides = [*given.settings, *settings]
        if external:
            overrides.append(f"dataset.external=[{', '.join(map(repr, given.external))}]")
        yield _material(given, overrides, trained)


def _material(given: Given, overrides: list[str], trained: list[Trained]) -> Material:
    found, base = discovery.load(given.data, str(BASE_RECIPE), overrides)
    recipe = recipe_with(base, trained, given.backbone)
    plan = Plan.make(found.data, str(given.workspace), recipe, given.weights, found.said)
    launcher = LocalLauncher()
    prepared = _done(launcher, plan.prepare())
    cropped = _done(launcher, plan.crop(prepared))
    manifest, folds = (plan.workspace.fetch(file) for file in (prepared.manifest, prepared.folds))
    tables = read_manifest(manifest), read_folds(folds)
    if given.people is not None:
        tables = _fewer(*tables, given.people)
        prepared = _described_again(plan, prepared, *tables)
    weights = {backbone: one.adopt(plan.workspace) for backbone, one in plan.given_weights.items()}
    by_name: dict[str, list[TrainFoldSpec]] = {}
    for spec in plan.train_folds(prepared, cropped, weights):
        by_name.setdefault(spec.network.name, []).append(spec)
    specs = {one: by_name[_name(one)] for one in trained}
    return Material(recipe, *tables, cropped, specs, plan.workspace)


def _name(trained: Trained) -> str:
    return "{}.{}.{}".format(*trained)


def recipe_with(base: Recipe, trained: Iterable[Trained], backbone: str | None) -> Recipe:
    """Return a recipe with a further network for each training; its own stay, as a recipe must be able to vote."""
    content = yaml.safe_load(dump_recipe(base))
    own = {network["name"]: network for network in content["networks"]}
    own[AGAIN] = own["age"]
    content["networks"] += [
        own[one[0]]
        | ({"backbone": backbone} if backbone else {})
        | {"pretrained": "if-available", "seed": one[2] + (one[0] == AGAIN), "name": _name(one)}
        | dict(VARIANTS[one[0]][one[1]].changes)
        for one in trained
    ]
    return Recipe.model_validate(content)


def _done(launcher: LocalLauncher, spec: Spec[Any]) -> Any:
    """Return the outcome of a job; run it if it has none."""
    workspace = open_workspace(spec.workspace)
    if folder.find_outcome(workspace, spec) is None:
        log.info("%s", spec.label)
        run_job(launcher, spec)
    return folder.find_outcome(workspace, spec)


def lot(person: str, purpose: str) -> int:
    """Return a number that a person is drawn by, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{purpose}/{person}".encode()).digest()[:6])


def _fewer(manifest: pd.DataFrame, folds: pd.DataFrame, people: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables with some people, as many of each fold."""
    order = folds.assign(lot=[lot(person, "people") for person in folds["person"]]).sort_values(["fold", "lot"])
    place = order.groupby("fold").cumcount() * (order["fold"].max() + 1) + order["fold"]
    kept = folds[folds["person"].isin(order.loc[place < people, "person"])].reset_index(drop=True)
    shown = manifest["person"].isin(kept["person"]) | (manifest["part"] != "train")
    return manifest[shown].reset_index(drop=True), kept


def _described_again(
    plan: Plan, prepared: PrepareOutcome, manifest: pd.DataFrame, folds: pd.DataFrame
) -> PrepareOutcome:
    """Return what describes fewer people, their tables in the workspace."""
    address = f"quality/people-{folds['person'].nunique()}-{prepared.dataset_version[:8]}"
    files: dict[str, File] = {}
    for name, table in (("manifest", manifest), ("folds", folds)):
        path = Path(plan.workspace.locate(f"{address}/{name}.parquet"))
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{name}.new")
        table.to_parquet(made, index=False)
        files[name] = plan.workspace.publish(made, f"{address}/{name}.parquet")
        made.unlink()
    versions = learnt_versions(manifest, plan.recipe.scheme)
    described = {"learnt_versions": versions, "dataset_version": dataset_version(manifest)}
    return prepared.model_copy(update={**files, **described})
