"""The jobs of a run, one after another in processes of their own, without an orchestrator."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

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


def undisturbed(data: Path, workspace: Path, *settings: str) -> Outputs:
    """Return what a run of the recipe `smoke` leaves that nothing disturbs."""
    whole_run(plan_run(str(data), str(workspace), "smoke", settings))
    return Outputs.of_folder(workspace)
