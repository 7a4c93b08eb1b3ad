"""MLflow: a parent run for each flow, a child run for each network and fold; the only package that imports it.

Nothing here ever stops a training: what cannot be sent is logged once, kept on disk and sent again later.
"""

from maskfold.tracking.owner import close_stale_runs
from maskfold.tracking.recorder import JobRecorder, job_recorder
from maskfold.tracking.run import RunTracker
from maskfold.tracking.store import experiment_id, prepare_store, refuse_unusable_uri, tracking_uri

__all__ = [
    "JobRecorder",
    "RunTracker",
    "close_stale_runs",
    "experiment_id",
    "job_recorder",
    "prepare_store",
    "refuse_unusable_uri",
    "tracking_uri",
]
