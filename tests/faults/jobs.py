"""The jobs of a run, one after another in processes of their own, without an orchestrator."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from flows.plan import Plan, plan_run
from maskfold.launch.folder import find_outcome
from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import Slot
from maskfold.specs import ExportSpec, Outcome, Spec
from tests.faults.outputs import Outputs

LAUNCHER = LocalLauncher([Slot(threads=1)])


def run(spec: Spec[Outcome]) -> None:
    """Run one job."""
    LAUNCHER.run(spec, Watcher(logging.getLogger("test"), lambda: None, lambda progress: None))


def whole_run(plan: Plan, do: Callable[[Spec[Outcome]], object] = run) -> ExportSpec:
    """Do something with each job of a plan, in their order, until all have outcomes; return the last one."""

    def done(*specs: Spec[Outcome]) -> tuple[Outcome, ...]:
        for spec in specs:
            do(spec)
        found = tuple(find_outcome(plan.workspace, spec) for spec in specs)
        assert None not in found
        return found

    done(plan.networks({}))
    (prepared,) = done(plan.prepare())
    (cropped,) = done(plan.crop(prepared))
    folds = plan.train_folds(prepared, cropped, {})
    trained = done(*folds)
    asked = plan.predict_eval(prepared, cropped, folds, trained)
    evaluated = done(*asked)
    keys = tuple(spec.key for spec in folds)
    vote = plan.ensemble(prepared, cropped, trained, (), keys, evaluated)
    (result,) = done(vote)
    last = plan.export(vote, result)
    done(last)
    return last


@dataclass(frozen=True)
class Undisturbed:
    """Runs of the recipe `smoke` that nothing disturbs; each is run once for all processes of a test session."""

    data: Path
    folder: Path

    def outputs(self, *settings: str) -> Outputs:
        """Return what a run with these settings leaves."""
        name = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
        workspace = self.folder / name
        with FileLock(self.folder / f"{name}.lock"):
            if not workspace.exists():
                made = self.folder / f"{name}-new"
                whole_run(plan_run(str(self.data), str(made), "smoke", settings))
                made.rename(workspace)
        return Outputs.of_folder(workspace)
