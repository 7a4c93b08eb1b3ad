"""A job's folder in the workspace, ``<stage>/<key>/``: its spec, and its outcome or failure.

Processes, containers and pods receive workspace, stage and key, and read the spec here: a spec can be larger than an
orchestrator accepts as a parameter.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from maskfold import errors
from maskfold.specs import FAILURE_FILE, OUTCOME_FILE, SPEC_FILE, Failure, Outcome, Spec
from maskfold.storage import Workspace, open_workspace

_REMEDY = "the file was edited, or another version of maskfold wrote it: use one version everywhere, and run again"

OutcomeT = TypeVar("OutcomeT", bound=Outcome)


def post(spec: Spec[Outcome]) -> Workspace:
    """Write a job's spec to its folder and delete an earlier failure; return the workspace.

    Two runs may start the same job at the same time: their specs differ in ``tracking`` at most, and the later one is
    kept.

    Raises:
        WorkspaceError: If the workspace cannot be used.
        UnavailableError: If it cannot be reached.
    """
    workspace = open_workspace(spec.workspace)
    write_spec(workspace, spec)
    workspace.delete(f"{spec.address}/{FAILURE_FILE}")
    return workspace


def write_spec(workspace: Workspace, spec: Spec[Outcome]) -> None:
    """Write a job's spec unless the same one is stored."""
    address, content = f"{spec.address}/{SPEC_FILE}", spec.model_dump_json(indent=1).encode()
    if workspace.read(address) != content:
        workspace.write(address, content)


def read_spec(workspace: str, stage: str, key: str) -> Spec[Outcome]:
    """Return the spec of a job by its address.

    Args:
        workspace: URI of the workspace.
        stage: Stage of the job.
        key: Key of the spec.

    Raises:
        InputError: If there is no such stage or no such spec, or if the spec is not valid or has another key.
    """
    spec_type = Spec.of_stage(stage)
    if spec_type is None:
        raise errors.InputError(f"there is no job {stage!r}")
    opened = open_workspace(workspace)
    file = opened.locate(f"{stage}/{key}/{SPEC_FILE}")
    content = opened.read(f"{stage}/{key}/{SPEC_FILE}")
    if content is None:
        raise errors.InputError(f"{file}: there is no such file; the run that asks for a job writes its spec there")
    try:
        # The workspace may have been moved, or be mounted elsewhere, since the spec was written.
        spec = spec_type.model_validate_json(content).model_copy(update={"workspace": workspace})
    except ValidationError as error:
        raise errors.InputError(f"{file}: no valid spec of a job {stage}: {_first(error)}; {_REMEDY}") from None
    if spec.key != key:
        raise errors.InputError(f"{file}: the spec's key is {spec.key}, not {key}; {_REMEDY}")
    return spec


def find_outcome(workspace: Workspace, spec: Spec[OutcomeT]) -> OutcomeT | None:
    """Return a job's outcome when it is finished, else None.

    Raises:
        CorruptDataError: If the outcome is damaged.
    """
    content = workspace.read(f"{spec.address}/{OUTCOME_FILE}")
    if content is None:
        return None
    try:
        return spec.outcome_type().model_validate_json(content)
    except ValidationError:
        raise errors.CorruptDataError(
            f"{workspace.locate(spec.address)}/{OUTCOME_FILE} is damaged; delete that folder and run again"
        ) from None


def write_outcome(workspace: Workspace, spec: Spec[OutcomeT], outcome: OutcomeT) -> None:
    """Publish a job's outcome: the job is done."""
    workspace.write(f"{spec.address}/{OUTCOME_FILE}", outcome.model_dump_json(indent=1).encode())


def write_failure(workspace: Workspace, address: str, failure: Failure) -> None:
    """Write to a job's folder why it failed."""
    workspace.write(f"{address}/{FAILURE_FILE}", failure.model_dump_json(indent=1).encode())


def find_failure(workspace: Workspace, address: str) -> Failure | None:
    """Return why a job failed; None if it wrote no failure, or a damaged one."""
    content = workspace.read(f"{address}/{FAILURE_FILE}")
    try:
        return Failure.model_validate_json(content) if content is not None else None
    except ValidationError:
        return None


def _first(error: ValidationError) -> str:
    """Return the first validation error in one line."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
