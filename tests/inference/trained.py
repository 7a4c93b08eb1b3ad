"""A small trained ensemble: a joint network, and one for each attribute that looks at whole portraits, too."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from pathlib import Path

from flows.plan import Plan, plan_run
from maskfold.launch import entry
from maskfold.launch.folder import find_outcome
from maskfold.specs import EnsembleOutcome, EnsembleSpec, ExportOutcome, ExportSpec, Outcome, Spec
from maskfold.storage import Workspace
from tests.faults.jobs import whole_run

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


@dataclass(frozen=True)
class Trained:
    """What a run of the pipeline leaves, without Prefect."""

    plan: Plan
    data: Path
    asked: ExportSpec
    exported: ExportOutcome

    @property
    def workspace(self) -> Workspace:
        return self.plan.workspace

    @property
    def vote(self) -> EnsembleSpec:
        return self.asked.vote

    @property
    def result(self) -> EnsembleOutcome:
        return self.asked.result

    @property
    def package(self) -> str:
        """Path of the model package."""
        return self.workspace.locate(self.asked.folder)


def train(data: Path, folder: Path, recipe: str = RECIPE) -> Trained:
    """Run all jobs of a plan in this process."""
    path = folder / "recipe.yaml"
    path.write_text(recipe, encoding="utf-8")
    plan = plan_run(str(data), str(folder / "workspace"), str(path))
    asked = whole_run(plan, _run_here)
    exported = find_outcome(plan.workspace, asked)
    assert exported is not None
    return Trained(plan, data, asked, exported)


def _run_here(spec: Spec[Outcome]) -> None:
    entry.run_spec(importlib.import_module(f"tasks.{spec.stage}").run, spec, logging.getLogger("tests"))
