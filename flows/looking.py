"""What `auto` finds out before it plans: the data set, the weights, and how fast this machine is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from prefect.logging import get_run_logger

from flows.fit import refuse_damage, user_corrections
from flows.jobs import Jobs
from flows.plan import Plan
from maskfold import storage
from maskfold.cores import usable_cores
from maskfold.errors import CancelledError, MaskfoldError, UnavailableError
from maskfold.launch import pool_of
from maskfold.launch.monitor import JobEvent, announce
from maskfold.launch.slots import visible_gpus
from maskfold.recipe import Recipe
from maskfold.specs import MeasureOutcome, MeasureSpec, Outcome, Spec
from maskfold.study import assembly
from maskfold.study.assembly import Start
from maskfold.study.costs import Facts, Rate, Size, side_by_side, training

ENDING: Final = ".safetensors"
_BACKBONE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
USUAL: Final = ("mobilenetv2_050", "tf_efficientnet_lite0", "rexnet_100")
"""Backbones that are tried where the user gives no weights."""
ON_A_GPU: Final = (*USUAL, "rexnet_150", "efficientnet_b4")
SCRATCH: Final = ("mobilenetv2_035", "resnet18")
"""Backbones that learn something without weights to start from."""
SIZES: Final[Sequence[Size]] = ((64, 48), (96, 72), (128, 96), (192, 144), (256, 192))
MOST_ENLARGED: Final = 1.25
"""How much larger than the faces an input may be."""
WORTH_MEASURING: Final = 0.5
"""Share of the budget within which a few epochs on all folds must be, for a larger size to be measured."""
A_FEW: Final = 3
MEASURING: Final = 0.08
"""Share of the budget after which no larger size is measured."""
LOCAL_JOB_S: Final = 0.4
POOL_JOB_S: Final = 8.0
"""Seconds until a job runs; see ``bench/RESULTS.md``."""


@dataclass(frozen=True)
class Looked:
    """What was found."""

    facts: Facts
    starts: dict[str, Start]
    """How each measured backbone is built, by its name."""
    jobs: tuple[Spec[Outcome], ...]
    """What was done for it, for the record of a run."""


def candidates(recipe: Recipe, weights: Sequence[str], gpu: bool) -> Recipe:
    """Return a recipe with a network for each backbone that may be chosen, so that their weights are looked for.

    Args:
        recipe: The preset, fitted to the data set.
        weights: As the user gave them; then only backbones with weights are candidates.
        gpu: Whether jobs have a GPU.
    """
    names = dict.fromkeys(name for source in weights for name in _named_by(source))
    chosen = tuple(names) or (ON_A_GPU if gpu else USUAL)
    networks = [assembly.candidate(recipe, name) for name in chosen]
    return recipe.model_copy(update={"networks": assembly.named(networks)})


def machine_of(launcher: str) -> str:
    """Return what computes, in words that tell machines apart."""
    pool = pool_of(launcher)
    if pool is not None:
        return f"work pool {pool}"
    gpus = len(visible_gpus())
    return f"{gpus} GPU{'s' * (gpus != 1)}" if gpus else f"processor, {usable_cores()} cores"


def look(plan: Plan, base: Recipe, jobs: Jobs, launcher: str, budget: float, k: int | None) -> Looked:
    """Read the data set, look for weights, crop a sample, train each candidate for some steps.

    All of it is kept in the workspace, so that the same command plans the same again.

    Args:
        plan: With the recipe of :func:`candidates`.
        base: The preset, fitted to the data set.
        jobs: Those of the flow.
        launcher: Where they run.
        budget: Seconds; sizes that would not fit are not measured.
        k: Number of folds, where it is given.

    Raises:
        MaskfoldError: As jobs raise it.
    """
    machine = machine_of(launcher)
    reading = plan.prepare(user_corrections(plan))
    prepared = jobs.run(reading)
    refuse_damage(plan, prepared)
    weights, sought = _weights(plan, jobs)
    sampling = plan.look(prepared, machine)
    looked = jobs.run(sampling)
    job = LOCAL_JOB_S if pool_of(launcher) is None else POOL_JOB_S
    facts = Facts(
        n_train=prepared.n_train + prepared.n_external,
        n_eval=prepared.n_eval,
        parts=assembly.parts(base),
        places=jobs.launcher.places or 1,
        job=job,
        before=prepared.seconds + sought + looked.seconds + 3 * job,
        prepared_k=plan.recipe.folds.k,
        prepare=prepared.seconds + job,
        crop_start=looked.start,
        crops_per_second=looked.images_per_second,
        face_height=looked.face_height,
        k=k,
        rates=(),
    )
    found = _Measuring(plan, base, jobs, weights, machine, budget).run(facts)
    return replace(found, jobs=(reading, sampling, *found.jobs))


@dataclass
class _Measuring:
    plan: Plan
    base: Recipe
    jobs: Jobs
    weights: dict[str, dict[str, Any]]
    """By backbone with weights, how it must be built for them."""
    machine: str
    budget: float

    def run(self, facts: Facts) -> Looked:
        """Measure size by size, the smallest first: what is too slow is not tried with more pixels."""
        left = tuple(self.weights) or SCRATCH
        found: dict[str, MeasureOutcome] = {}
        done, rates, seconds = list[MeasureSpec](), list[Rate](), 0.0
        for size in SIZES:
            large = size[0] > MOST_ENLARGED * facts.face_height or seconds > MEASURING * self.budget
            if rates and large:
                break
            specs = [self._spec(backbone, size, found.get(backbone)) for backbone in left]
            measured = self._measure(specs)
            done += [spec for spec in specs if spec.network.backbone in measured]
            seconds += side_by_side([one.seconds + facts.job for one in measured.values()], facts.places)
            for backbone, one in measured.items():
                found.setdefault(backbone, one)
                rates.append(self._rate(backbone, size, one))
            left = tuple(one.backbone for one in rates if one.size == size and self._goes_on(facts, one))
        amps = {backbone: one.amp for backbone, one in found.items()}
        starts = {backbone: Start(backbone in self.weights, amp) for backbone, amp in amps.items()}
        return Looked(replace(facts, before=facts.before + seconds, rates=tuple(rates)), starts, tuple(done))

    def _spec(self, backbone: str, size: Size, before: MeasureOutcome | None) -> MeasureSpec:
        """Return the measurement of a size; the first one has found the precision."""
        given = assembly.candidate(self.base, backbone)
        settings = {"name": "measured", "backbone_args": self.weights.get(backbone, {})}
        network = given.model_copy(update={**settings, "amp": before.amp if before else "auto"})
        return MeasureSpec(
            workspace=self.plan.workspace.uri,
            network=network,
            classes=self.base.scheme.n_classes,
            size=size,
            machine=self.machine,
        )

    def _measure(self, specs: Sequence[MeasureSpec]) -> dict[str, MeasureOutcome]:
        """Return what could be measured; a network that cannot be built is left out."""
        futures = [self.jobs.submit(spec) for spec in specs]
        found: dict[str, MeasureOutcome] = {}
        failure: MaskfoldError | None = None
        for spec, future in zip(specs, futures, strict=True):
            try:
                found[spec.network.backbone] = self.jobs.collect(spec, future)
            except (CancelledError, UnavailableError):
                raise
            except MaskfoldError as error:
                failure = error
                get_run_logger().warning("%s is left out: %s", spec.network.backbone, error)
                announce(JobEvent(spec.label, "warning", message=f"{spec.network.backbone} is left out: {error}"))
        if not found and failure is not None:
            raise failure
        return found

    def _rate(self, backbone: str, size: Size, one: MeasureOutcome) -> Rate:
        return Rate(
            backbone=backbone,
            size=size,
            images_per_second=one.images_per_second,
            predicted_per_second=one.predicted_per_second,
            start=one.start,
            pretrained=backbone in self.weights,
        )

    def _goes_on(self, facts: Facts, rate: Rate) -> bool:
        k = facts.k or facts.prepared_k
        return k * training(facts, rate, A_FEW, k).seconds / facts.places <= WORTH_MEASURING * self.budget


def _weights(plan: Plan, jobs: Jobs) -> tuple[dict[str, dict[str, Any]], float]:
    """Return how backbones with weights must be built, by name, and the seconds that looking for them took."""
    found = {backbone: dict(given.description.backbone_args) for backbone, given in plan.given_weights.items()}
    specs = plan.hub_weights()
    outcomes = jobs.run_all(specs)
    for spec, outcome in zip(specs, outcomes, strict=True):
        if outcome.weights is not None:
            found[spec.backbone] = dict(outcome.weights.backbone_args)
    took = [outcome.seconds for outcome in outcomes]
    return found, side_by_side(took, jobs.launcher.places or 1)


def _named_by(source: str) -> list[str]:
    """Return the backbones that a source of weights names."""
    name, separator, _ = source.partition("=")
    if separator and "/" not in name:
        return [name]
    if source.endswith(ENDING):
        return []  # the plan says what is wrong with it
    files = (file.removesuffix(ENDING) for file in storage.list_folder(source) if file.endswith(ENDING))
    return [name for name in sorted(files) if _BACKBONE.fullmatch(name)]
