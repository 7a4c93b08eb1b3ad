"""A small trained ensemble: a joint network, and one for each attribute that looks at whole portraits, too."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from flows.plan import Plan, plan_run
from maskfold.launch import entry
from maskfold.specs import EnsembleOutcome, EnsembleSpec, ExportOutcome, ExportSpec
from maskfold.storage import Workspace
from tasks import crop, ensemble, export, predict_eval, prepare, train_fold

RECIPE = """
name: little
scheme:
  name: little
  attributes:
    - {name: mask, values: [wear, incorrect, not worn]}
    - {name: gender, of: person, values: [male, female]}
folds: {k: 2}
crop: {face_size: [64, 48], portrait_size: [64, 48]}
networks:
  - &one
    name: joint
    backbone: test_resnet
    pretrained: none
    epochs: 2
    batch_size: 16
    optimizer: {name: adamw, lr: 0.002}
    amp: "off"
  - {<<: *one, name: mask, target: mask, size: [48, 40]}
  - {<<: *one, name: gender, target: gender, input: portrait}
ensemble: {weights: {joint: 2}}
"""
_LOG = logging.getLogger("tests")


@dataclass(frozen=True)
class Trained:
    """What a run of the pipeline leaves, without Prefect."""

    plan: Plan
    data: Path
    vote: EnsembleSpec
    result: EnsembleOutcome
    asked: ExportSpec
    exported: ExportOutcome

    @property
    def workspace(self) -> Workspace:
        return self.plan.workspace

    @property
    def package(self) -> str:
        """Path of the model package."""
        return self.workspace.locate(self.asked.folder)


def train(data: Path, folder: Path, recipe: str = RECIPE) -> Trained:
    """Run all jobs of a plan in this process."""
    path = folder / "recipe.yaml"
    path.write_text(recipe, encoding="utf-8")
    plan = plan_run(str(data), str(folder / "workspace"), str(path))
    prepared = entry.run_spec(prepare.run, plan.prepare(), _LOG)
    cropped = entry.run_spec(crop.run, plan.crop(prepared), _LOG)
    folds = plan.train_folds(prepared, cropped, {})
    trained = [entry.run_spec(train_fold.run, spec, _LOG) for spec in folds]
    asked = plan.predict_eval(prepared, cropped, folds, trained)
    evaluated = [entry.run_spec(predict_eval.run, spec, _LOG) for spec in asked]
    keys = [spec.key for spec in folds]
    vote = plan.ensemble(prepared, cropped, trained, (), keys, evaluated)
    result = entry.run_spec(ensemble.run, vote, _LOG)
    export_spec = plan.export(vote, result)
    return Trained(plan, data, vote, result, export_spec, entry.run_spec(export.run, export_spec, _LOG))
