"""What a run would do, without doing it: which jobs are done already, and about how long the others take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Protocol, TypeVar

from flows.plan import Plan
from maskfold import storage
from maskfold.launch.folder import find_outcome
from maskfold.launch.slots import machine_slots
from maskfold.layouts import EVALUATION, PHOTOGRAPHS
from maskfold.pace import TRAININGS, ExpectedJob
from maskfold.recipe import Network
from maskfold.specs import CropOutcome, Outcome, PrepareOutcome, Spec, TrainOutcome, Weights

READ_RATE: Final = 1000.0
"""Photographs that one core reads and checks in a second, about; see ``bench/RESULTS.md``."""
CROP_RATE: Final = 150.0
"""Photographs in which one core finds and cuts out the faces in a second, about; see ``bench/RESULTS.md``."""
PREDICTION: Final = 1 / 3
"""A prediction is a forward pass; a training step is that and two more for the gradients."""
USUAL_PIXELS: Final = 1_000_000.0
"""Pixels of the input that a small network is trained on in a second by one core, about."""
OTHERS_S: Final = 4.0
"""Seconds of a job that only starts, looks and writes."""

OutcomeT = TypeVar("OutcomeT", bound=Outcome)


class Measured(Protocol):
    """How one training of a network goes on this machine."""

    @property
    def images_per_second(self) -> float: ...
    @property
    def parameters(self) -> int: ...


Measure = Callable[[Network, int, tuple[int, int], int], Measured]
"""Tries a training out: of a network, classes, input size and threads."""


@dataclass
class Forecast:
    """All jobs of a run in their order."""

    slots: int
    """Trainings that run side by side."""
    device: str = ""
    """What trains, for people."""
    size: int = 0
    """Bytes that the results take, about: packed photographs, weights and checkpoints."""
    jobs: list[ExpectedJob] = field(default_factory=list)

    @property
    def n_done(self) -> int:
        """Jobs with results in the workspace."""
        return sum(job.state == "done" for job in self.jobs)

    @property
    def seconds(self) -> float:
        """Expected wall time of the run; trainings share the machine."""
        shared = sum(job.seconds for job in self.jobs if job.stage in TRAININGS)
        return shared / self.slots + sum(job.seconds for job in self.jobs if job.stage not in TRAININGS)


def forecast(plan: Plan, measure: Measure) -> Forecast:
    """Say what a run of this plan on this machine would do; write nothing.

    The keys of jobs depend on the results of jobs before them: when one of these is to be done, so are all after it.

    Args:
        plan: The plan.
        measure: Tries a training of a network out.
    """
    return _Forecaster(plan, measure).run()


class _Forecaster:
    def __init__(self, plan: Plan, measure: Measure) -> None:
        slots = machine_slots(jobs=len(plan.recipe.networks) * plan.recipe.folds.k)
        self._plan, self._measure, self._slot = plan, measure, slots[0]
        self._cores = sum(slot.threads for slot in slots)
        gpus = sum(slot.device is not None for slot in slots)
        device = f"{gpus} GPU{'s' * (gpus != 1)}" if gpus else f"processor, {self._cores} cores"
        self._forecast = Forecast(len(slots), device)

    def run(self) -> Forecast:
        plan = self._plan
        weights = self._weights()
        if weights is None:
            self._expect("networks", OTHERS_S)
        else:
            self._look(plan.networks(weights), OTHERS_S)
        n_train, n_eval = _count(plan.data)
        prepared = self._prepare(n_train + n_eval)
        if prepared is not None:
            n_train, n_eval = prepared.n_train, prepared.n_eval
        self._forecast.size = self._size(n_train + n_eval)
        seconds = (n_train + n_eval) / (CROP_RATE * self._cores) + OTHERS_S
        cropped = None
        if prepared is None:
            self._expect("crop", seconds)
        else:
            cropped = self._look(plan.crop(prepared), seconds)
        if prepared is None or cropped is None or weights is None:
            self._expect_trainings(n_train, n_eval)
        else:
            self._look_for_trainings(prepared, cropped, weights)
        return self._forecast

    def _look(self, spec: Spec[OutcomeT], seconds: float) -> OutcomeT | None:
        """Note a job as done if its outcome is in the workspace; return that."""
        found = find_outcome(self._plan.workspace, spec)
        self._forecast.jobs.append(ExpectedJob(spec.label, "done" if found else "to do", 0.0 if found else seconds))
        return found

    def _expect(self, label: str, seconds: float) -> None:
        self._forecast.jobs.append(ExpectedJob(label, seconds=seconds))

    def _weights(self) -> dict[str, Weights] | None:
        """Return the initial weights by backbone; None if a job or a copy from S3 must tell them first."""
        found: dict[str, Weights] = {}
        known = True
        for backbone, given in self._plan.given_weights.items():
            weights = given.foresee()
            known = known and weights is not None
            found |= {backbone: weights} if weights else {}
        for spec in self._plan.hub_weights():
            outcome = self._look(spec, OTHERS_S)
            known = known and outcome is not None
            if outcome is not None and outcome.weights is not None:
                found[spec.backbone] = outcome.weights
        return found if known else None

    def _prepare(self, images: int) -> PrepareOutcome | None:
        seconds = images / (READ_RATE * self._cores) + OTHERS_S
        source = self._plan.own_corrections
        corrections = None if source is None else storage.foresee(source)
        if source is not None and corrections is None:
            self._expect("prepare", seconds)
            return None
        return self._look(self._plan.prepare(corrections), seconds)

    def _expect_trainings(self, n_train: int, n_eval: int) -> None:
        recipe = self._plan.recipe
        for network in recipe.networks:
            for fold in range(recipe.folds.k):
                self._expect(f"train_fold {network.name} {fold + 1}/{recipe.folds.k}", self._training(network, n_train))
        for network in recipe.networks if recipe.final_fit else ():
            self._expect(f"train_all {network.name}", self._training(network, n_train))
        self._expect_votes(recipe.networks, n_eval)

    def _look_for_trainings(self, prepared: PrepareOutcome, cropped: CropOutcome, weights: dict[str, Weights]) -> None:
        plan = self._plan
        folds = plan.train_folds(prepared, cropped, weights)
        trained = [self._look(spec, self._training(spec.network, prepared.n_train)) for spec in folds]
        whole = [outcome for outcome in trained if outcome is not None]
        if len(whole) < len(trained):
            for network in plan.recipe.networks if plan.recipe.final_fit else ():
                self._expect(f"train_all {network.name}", self._training(network, prepared.n_train))
            return self._expect_votes(plan.recipe.networks, prepared.n_eval)
        everybody = plan.train_all(folds, whole)
        final = [self._look(spec, self._training(spec.network, prepared.n_train)) for spec in everybody]
        last = [outcome for outcome in final if outcome is not None]
        if len(last) < len(final):
            return self._expect_votes(plan.recipe.networks, prepared.n_eval)
        outcomes: list[TrainOutcome] = [*whole, *last]
        asked = plan.predict_eval(prepared, cropped, (*folds, *everybody), outcomes)
        evaluated = [self._look(spec, self._prediction(spec.network, prepared.n_eval)) for spec in asked]
        answers = [outcome for outcome in evaluated if outcome is not None]
        if len(answers) < len(evaluated):
            return self._expect_vote()
        keys = [spec.key for spec in (*folds, *everybody)]
        vote = plan.ensemble(prepared, cropped, whole, last, keys, answers)
        result = self._look(vote, 2 * OTHERS_S)
        if result is None:
            self._expect("export", OTHERS_S)
        else:
            self._look(plan.export(vote, result), OTHERS_S)
        return None

    def _expect_votes(self, networks: Sequence[Network], n_eval: int) -> None:
        for network in networks if n_eval else ():
            self._expect(f"predict_eval {network.name}", self._prediction(network, n_eval))
        self._expect_vote()

    def _expect_vote(self) -> None:
        self._expect("ensemble", 2 * OTHERS_S)
        self._expect("export", OTHERS_S)

    def _training(self, network: Network, images: int) -> float:
        k = self._plan.recipe.folds.k
        shown = images * (k - 1) / k * network.epoch_fraction + images / k * PREDICTION
        return network.epochs * shown / self._tried(network).images_per_second + OTHERS_S

    def _prediction(self, network: Network, images: int) -> float:
        rate = self._tried(network).images_per_second * self._forecast.slots / PREDICTION
        return images * self._plan.recipe.folds.k / rate + OTHERS_S

    def _tried(self, network: Network) -> Measured:
        size = network.size or self._packed(network)
        return self._measure(network, network.classes(self._plan.recipe.scheme), size, self._slot.threads)

    def _packed(self, network: Network) -> tuple[int, int]:
        crop = self._plan.recipe.crop
        return crop.face_size if network.input == "face" else crop.portrait_size

    def _size(self, images: int) -> int:
        """Return bytes: photographs in three bytes a pixel; of each training weights, and two checkpoints of three."""
        recipe = self._plan.recipe
        packs = sum(height * width * 3 for height, width in {self._packed(network) for network in recipe.networks})
        weights = sum(self._tried(network).parameters * 4 for network in recipe.networks) * recipe.folds.k
        return images * packs + 7 * weights


@dataclass(frozen=True)
class _Usual:
    images_per_second: float
    parameters: int = 0


def usual(_network: Network, _classes: int, size: tuple[int, int], _threads: int) -> Measured:
    """Guess instead of measuring: for ratios between jobs, which a run itself corrects."""
    return _Usual(USUAL_PIXELS / (size[0] * size[1]))


def _count(data: str) -> tuple[int, int]:
    """Count training and evaluation photographs by the names of files."""
    paths = [PurePosixPath(name) for name in storage.list_tree(data)]
    images = [path for path in paths if path.suffix.lower() in PHOTOGRAPHS]
    n_eval = sum(path.parts[0].casefold() in EVALUATION for path in images)
    return len(images) - n_eval, n_eval
