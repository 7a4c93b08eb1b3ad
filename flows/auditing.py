"""From the user's request for an audit to the specs of its jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, TypeVar

from pydantic import ValidationError

from flows.plan import Plan
from flows.weights import GivenWeights, WeightsDescription
from maskfold.errors import CorruptDataError, InputError
from maskfold.models import find_run
from maskfold.recipe import Recipe
from maskfold.specs import (
    SPEC_FILE,
    AuditSpec,
    EnsembleOutcome,
    EnsembleSpec,
    File,
    Outcome,
    PrepareSpec,
    Spec,
    TrainFoldSpec,
    Trial,
    Weights,
)
from maskfold.storage import Workspace, open_existing, open_workspace
from maskfold.tracking.record import RunRecord

SpecT = TypeVar("SpecT", bound=Spec[Outcome])
ROUNDS = (1, 2)
"""With two, networks are trained again without what the first round is sure of."""


@dataclass(frozen=True)
class Auditing:
    """A finished run, and where its suspects go."""

    workspace: Workspace
    record: RunRecord
    vote: EnsembleSpec
    result: EnsembleOutcome
    corrections: File | None
    """Those that the run had already."""
    out: Workspace | None
    """None keeps the suspects in the workspace alone."""
    rounds: int

    @classmethod
    def make(cls, workspace: str, run: str = "latest", out: str = "", rounds: int = 1) -> Self:
        """Find the run, and make sure that all is there that an audit needs; write nothing.

        Args:
            workspace: Of the run.
            run: ``latest``, or an id or its beginning.
            out: Folder (URI) that gets copies of the suspects; empty for none.
            rounds: 1, or 2 for a second opinion.

        Raises:
            InputError: If there is no such run, it has no out-of-fold table, or something the user gave is wrong.
            UnavailableError: If the storage cannot be reached.
        """
        if rounds not in ROUNDS:
            raise InputError(
                f"rounds {rounds}: expected 1, or 2 for a second opinion by networks that are trained again"
            )
        opened = open_existing(workspace)
        found = find_run(run, opened)
        record = found.record
        vote = _spec(opened, record, EnsembleSpec)
        if found.outcome is None or vote is None or opened.size_of(found.outcome.oof.path) is None:
            raise InputError(
                f"run {record.id} has no out-of-fold table: it did not get so far, or its results were deleted. "
                "`maskfold run` with the same arguments finishes it; `maskfold runs` lists the others"
            )
        prepared = _spec(opened, record, PrepareSpec)
        return cls(
            workspace=opened,
            record=record,
            vote=vote,
            result=found.outcome,
            corrections=None if prepared is None else prepared.corrections,
            out=open_workspace(out) if out else None,
            rounds=rounds,
        )

    @property
    def said(self) -> str:
        """What is audited, for people."""
        return f"{self.record.name}, run {self.record.id}"

    def spec(self, second: Trial | None = None) -> AuditSpec:
        """Return the job; ``second`` are the networks of a second opinion."""
        [job] = [job for job in self.record.jobs if job.stage == EnsembleSpec.stage][-1:]
        return AuditSpec(
            workspace=self.workspace.uri,
            ensemble_key=job.key,
            run=self.said,
            vote=self.vote,
            result=self.result,
            corrections=self.corrections,
            second=second,
            second_keys=second.trained_keys if second else (),
        )

    def again(self, corrections: File) -> Plan:
        """Return the plan of the same run with other corrections.

        Raises:
            InputError: If the data set is not there any more, or has changed.
        """
        recipe: Recipe = self.vote.recipe
        data = recipe.dataset.model_copy(update={"corrections": self.workspace.locate(corrections.path)})
        plan = Plan.make(self.vote.data, self.workspace.uri, recipe.model_copy(update={"dataset": data}))
        if plan.fingerprint != self.vote.fingerprint:
            raise InputError(
                f"data set {self.vote.data} has changed since run {self.record.id}, so that a second round would not "
                "judge the same photographs; run again first, or leave --rounds out"
            )
        return replace(plan, given_weights={**plan.given_weights, **self._weights()})

    def _weights(self) -> dict[str, GivenWeights]:
        """Return the initial weights that the run's networks have started from, by backbone."""
        found: dict[str, GivenWeights] = {}
        for job in self.record.jobs:
            if job.stage != TrainFoldSpec.stage:
                continue
            spec = _read(self.workspace, job.address, TrainFoldSpec)
            if spec is not None and spec.weights is not None:
                found[spec.network.backbone] = self._given(spec.weights)
        return found

    def _given(self, weights: Weights) -> GivenWeights:
        described = WeightsDescription(backbone_args=weights.backbone_args, mean=weights.mean, std=weights.std)
        return GivenWeights(self.workspace.locate(weights.file.path), described)


def _spec(workspace: Workspace, record: RunRecord, kind: type[SpecT]) -> SpecT | None:
    """Return the spec of a run's last job of a stage; None if it had none that did not fail."""
    jobs = [job for job in record.jobs if job.stage == kind.stage and job.status != "FAILED"]
    return _read(workspace, jobs[-1].address, kind) if jobs else None


def _read(workspace: Workspace, address: str, kind: type[SpecT]) -> SpecT | None:
    content = workspace.read(f"{address}/{SPEC_FILE}")
    if content is None:
        return None
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise CorruptDataError(
            f"{workspace.locate(address)}/{SPEC_FILE} is damaged, or of another version of maskfold "
            f"({'.'.join(map(str, first['loc']))}: {first['msg']}); run again"
        ) from None
