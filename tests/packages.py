"""Model packages as an export job leaves them, with weights that are no networks: for what only looks at packages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskfold.recipe import Crop
from maskfold.scheme import Scheme
from maskfold.specs import (
    EnsembleOutcome,
    ExportOutcome,
    ExportSpec,
    File,
    ModelPackage,
    PackagedFile,
    PackagedNetwork,
    Scores,
    model_name,
)
from maskfold.specs.model import TrainingProfile
from maskfold.storage import Workspace
from tests.tracking.conftest import NOWHERE, crop_outcome, finish_job, prepare_outcome, vote_spec

TRUE = np.arange(360) % 18
PERSONS = np.arange(360) // 6


@dataclass(frozen=True)
class Exported:
    """A run's package."""

    spec: ExportSpec
    outcome: ExportOutcome


def out_of_fold(right: float, seed: int = 0, people: int = 60) -> pd.DataFrame:
    """The out-of-fold table of a vote that is right on about this share of 360 photographs."""
    random = np.random.default_rng(seed)
    answers = np.where(random.random(360) < right, TRUE, (TRUE + 1) % 18)
    return pd.DataFrame(
        {
            "image": [f"{number}.jpg" for number in range(360)],
            "person": [f"person {number % people}" for number in PERSONS],
            "true_class": TRUE,
            "predicted_class": answers,
        }
    )


def export(
    workspace: Workspace,
    ensemble_key: str = "1" * 16,
    score: float = 0.71,
    oof: pd.DataFrame | None = None,
    dataset_version: str = "d",
    recipe_name: str = "smoke",
    scheme: Scheme | None = None,
) -> Exported:
    """Leave a package in a workspace as an export job does, but its champion."""
    vote = vote_spec(prepare_outcome(workspace), crop_outcome(workspace))
    scheme = scheme or vote.recipe.scheme
    recipe = vote.recipe.model_copy(update={"name": recipe_name, "scheme": scheme})
    vote = vote.model_copy(update={"dataset_version": dataset_version, "recipe": recipe, "workspace": workspace.uri})
    attribute = {"macro_f1": score + 0.1, "macro_f1_low": score, "macro_f1_high": score + 0.2}
    scores = Scores(
        macro_f1=score, macro_f1_low=score - 0.05, macro_f1_high=score + 0.05, accuracy=0.82,
        attributes={scheme.names[0]: attribute},
    )  # fmt: skip
    result = EnsembleOutcome(
        seconds=1.0, submission=None, latest=None, oof=_table(workspace, ensemble_key, oof), report=NOWHERE, figures=(),
        tables=(), scores={"vote": scores}, face_shares=(),
    )  # fmt: skip
    spec = ExportSpec(workspace=workspace.uri, ensemble_key=ensemble_key, vote=vote, result=result)
    card, weights = (
        _put(workspace, spec, "README.md", b"# card\n"),
        _put(workspace, spec, "a-1.safetensors", b"weights"),
    )
    shares = (1 / scheme.n_classes,) * scheme.n_classes
    package = ModelPackage(
        name=model_name(scheme), key=spec.key, recipe=recipe_name, scheme=scheme, crop=Crop(), typical_face=None,
        networks=(PackagedNetwork(name="a", target="joint", input="face", weights=(weights,)),), vote_weights={},
        temperature=1.0, dataset_version=dataset_version, ensemble_key=ensemble_key, scores={"vote": scores},
        training=TrainingProfile(
            images=360, people=60, label_shares=shares, answer_shares=shares, fallback_share=0.1, confidence=0.7,
            unsure_share=0.1, shorter_side=(100, 200, 300),
        ),
        classes=(), slices=(), versions={"maskfold": "0.1", "python": "3.11.7"}, card=card,
    )  # fmt: skip
    model = workspace.write(f"{spec.folder}/model.json", package.model_dump_json().encode())
    outcome = ExportOutcome(
        seconds=1.0, name=package.name, model=model, digest=model.sha256, temperature=1.0, macro_f1=score, size=100,
        card=File(path=f"{spec.folder}/README.md", sha256=card.sha256, size=card.size),
    )  # fmt: skip
    workspace.write(f"{spec.address}/spec.json", spec.model_dump_json().encode())
    finish_job(workspace, spec, outcome)
    return Exported(spec, outcome)


def _table(workspace: Workspace, key: str, oof: pd.DataFrame | None) -> File:
    content = out_of_fold(0.7).to_parquet() if oof is None else oof.to_parquet()
    return workspace.write(f"ensemble/{key}/oof.parquet", content)


def _put(workspace: Workspace, spec: ExportSpec, name: str, content: bytes) -> PackagedFile:
    workspace.write(f"{spec.folder}/{name}", content)
    return PackagedFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
