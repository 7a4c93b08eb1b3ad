"""The one flow that a work pool runs: one job, by its address in the workspace."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from flows.jobs import ProgressBar
from maskfold import errors
from maskfold.launch.folder import read_spec, write_failure
from maskfold.launch.gpu_lock import own_gpu
from maskfold.launch.launcher import Watcher
from maskfold.launch.local import LocalLauncher
from maskfold.launch.slots import whole_machine
from maskfold.redaction import redact_logs
from maskfold.specs import Failure
from maskfold.storage import open_workspace


@flow(name="job", persist_result=False, retries=0)
def job(
    workspace: Annotated[str, Field(description="URI of the workspace that has the job's spec")],
    stage: Annotated[str, Field(description="Which job: weights, networks, prepare, crop, train_fold, ...")],
    key: Annotated[str, Field(description="The spec's key: it is read from WORKSPACE/STAGE/KEY/spec.json")],
) -> None:
    """Run one job here, in a child process; its outcome, or why it failed, goes to the workspace."""
    redact_logs()
    log = get_run_logger()
    try:
        spec = read_spec(workspace, stage, key)
    except errors.MaskfoldError as error:
        write_failure(open_workspace(workspace), f"{stage}/{key}", Failure.of(error))
        raise
    launcher = LocalLauncher([whole_machine()])
    try:
        with own_gpu(on_wait=lambda: log.info("all GPUs of this host are taken; waiting for one")) as gpu:
            log.info("%s begins%s", spec.label, f" on {gpu}" if gpu else "")
            launcher.run(spec, Watcher(log=log, on_start=lambda: None, on_progress=ProgressBar(spec.label)))
    finally:
        launcher.cancel()
