"""MLflow: a run for each flow, a child run for each network and fold; the only package that imports it.

The workspace keeps a record of each run (:mod:`~maskfold.tracking.record`) and the outcomes of its jobs. What MLflow
shows is brought up from these by an idempotent :func:`sync`, at any time and in any MLflow, so nothing here ever stops
a training: what MLflow misses it gets later.
"""

from maskfold.tracking.recorder import job_recorder
from maskfold.tracking.registered import (
    RegisteredVersion,
    aliases_and_versions,
    champions_registered,
    fetch_registered,
    find_registered,
    remembered,
)
from maskfold.tracking.run import RunTracker
from maskfold.tracking.store import (
    TRAINING_VIEW,
    artifact_folder,
    connect,
    experiment_id,
    refuse_unusable_uri,
    tracking_uri,
)
from maskfold.tracking.sync import SyncReport, sync, sync_champions, sync_running

__all__ = [
    "TRAINING_VIEW",
    "RegisteredVersion",
    "RunTracker",
    "SyncReport",
    "aliases_and_versions",
    "artifact_folder",
    "champions_registered",
    "connect",
    "experiment_id",
    "fetch_registered",
    "find_registered",
    "job_recorder",
    "refuse_unusable_uri",
    "remembered",
    "sync",
    "sync_champions",
    "sync_running",
    "tracking_uri",
]
