"""The one flow that a work pool runs: one job, by name and spec."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from flows.steps import ProgressBar
from maskfold import errors
from maskfold.launch.gpu_lock import own_gpu
from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import whole_machine
from maskfold.specs import Spec


@flow(name="job", persist_result=False, retries=0)
def job(
    stage: Annotated[str, Field(description="Which job: weights, prepare, crop, train_fold or ensemble")],
    spec: Annotated[str, Field(description="The job's spec as JSON")],
) -> None:
    """Run one job here, in a child process; its outcome goes to the workspace."""
    spec_type = Spec.of_stage(stage)
    if spec_type is None:
        raise errors.InputError(f"no job is called {stage!r}")
    log = get_run_logger()
    parsed = spec_type.model_validate_json(spec)
    launcher = LocalLauncher([whole_machine()])
    try:
        with own_gpu(on_wait=lambda: log.info("all GPUs of this host are taken; waiting for one")) as gpu:
            log.info("%s begins%s", parsed.label, f" on {gpu}" if gpu else "")
            launcher.run(parsed, Watcher(log=log, on_start=lambda: None, on_progress=ProgressBar(parsed.label)))
    except errors.JobFailedError as error:
        # The caller sees this message only, as the state of this run: it carries the exit code.
        raise errors.JobFailedError(f"{error} [exit code {error.exit_code}]", error.exit_code) from None
    finally:
        launcher.cancel()
