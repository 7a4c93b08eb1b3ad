"""What a flow says of itself while it runs: kept in the workspace, shown in MLflow as long as that answers."""

from __future__ import annotations

import contextlib
import logging
import platform
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from maskfold.errors import CancelledError, MaskfoldError
from maskfold.recipe import Recipe, dump_recipe
from maskfold.redaction import redacted, without_password
from maskfold.specs import Outcome, Spec, Tracking, TrainFoldSpec, TrainSpec
from maskfold.storage import Workspace
from maskfold.storage.location import parse
from maskfold.tracking import record as records
from maskfold.tracking.logged import flatten, short
from maskfold.tracking.mirror import Mirror
from maskfold.tracking.record import JobRecord, RunRecord, Status, lock_of, new_id, now
from maskfold.tracking.revision import git_tags
from maskfold.tracking.store import experiment_name, page_of, tracking_uri
from maskfold.tracking.sync import push, sync

_log = logging.getLogger(__name__)
AnySpec = Spec[Outcome]
SpecT = TypeVar("SpecT", bound=AnySpec)


class RunTracker:
    """Records one flow. Only :meth:`start` raises; an MLflow that does not answer is left alone until the flow ends.

    Args:
        record: The run as it begins.
        workspace: Keeps the record.
        recipe: What the flow runs.
    """

    def __init__(self, record: RunRecord, workspace: Workspace, recipe: Recipe) -> None:
        self._record, self._workspace, self._recipe = record, workspace, recipe
        self._uri = tracking_uri()
        self._mirror: Mirror | None = None
        self._away = False
        self._record_lock = threading.RLock()
        self._mlflow_lock = threading.RLock()
        self._life = lock_of(record.id)
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="run record", daemon=True)
        self._catching_up = threading.Thread(target=self._sync_others, name="mlflow sync", daemon=True)

    @classmethod
    def start(
        cls,
        workspace: Workspace,
        recipe: Recipe,
        data: str,
        tags: Mapping[str, str],
        parent: str | None = None,
        name: str | None = None,
    ) -> RunTracker:
        """Begin a run; beside it, bring up what earlier runs of the workspace could not record.

        Args:
            workspace: Where the run works.
            recipe: What it runs.
            data: URI of the data set.
            tags: Such as ``prefect.flow_run_url``.
            parent: :attr:`id` of the run that this one is part of.
            name: Of the run, for people; recipe and data set by default.

        Raises:
            MaskfoldError: If the workspace cannot be written.
        """
        begin = now()
        record = RunRecord(
            id=new_id(),
            parent=parent,
            name=name or f"{recipe.name} {parse(data).name}",
            experiment=experiment_name(),
            data=data,
            recipe=dump_recipe(recipe),
            classes=tuple(recipe.scheme.class_names()),
            tags={"mlflow.source.name": "maskfold", **git_tags(), **tags},
            host=platform.node(),
            started=begin,
            alive=begin,
        )
        tracker = cls(record, workspace, recipe)
        tracker._life.acquire()
        record.save(workspace)
        tracker._show(())
        tracker._beating.start()
        if parent is None:  # it catches up for all of its parts
            tracker._catching_up.start()
        return tracker

    @property
    def id(self) -> str:
        """Id of the record."""
        return self._record.id

    @property
    def run_id(self) -> str:
        """Id of the run in MLflow; empty while MLflow does not answer."""
        return self._mirror.id_of(self.id) if self._mirror else ""

    def page(self, part: str = "") -> str:
        """Return where a person looks at the run, or at a part of it; see :func:`maskfold.tracking.store.page_of`.

        It is MLflow's front page while that does not answer.
        """
        if not (self._mirror and self.run_id):
            return page_of(self._uri)
        return page_of(self._uri, self._mirror.experiment(self._record.experiment), self.run_id, part)

    def add(self, specs: Sequence[AnySpec]) -> None:
        """Say which jobs come next; each training gets a run of its own in MLflow."""
        with self._record_lock:
            known = {job.address for job in self._record.jobs}
            jobs = [_job(spec, self._recipe) for spec in specs if spec.address not in known]
            if not jobs:
                return
            self._record = self._record.model_copy(update={"jobs": (*self._record.jobs, *jobs)})
            self._save()
        self._show(jobs)

    def follow(self, spec: SpecT) -> SpecT:
        """Return the spec with the job's run in MLflow, if it has one, so that the job shows its curves there."""
        run = self._mirror.id_of(self.id, spec.address) if self._mirror else ""
        tracking = Tracking(uri=without_password(self._uri), run_id=run) if run else None
        return spec.model_copy(update={"tracking": tracking})

    def done(self, spec: AnySpec, reused: bool = False) -> None:
        """Say that a job is done, now or (``reused``) by an earlier run."""
        self._end_job(spec, status="FINISHED", reused=reused)

    def failed(self, spec: AnySpec, error: BaseException) -> None:
        """Say what ended a job."""
        status: Status = "KILLED" if isinstance(error, CancelledError) else "FAILED"
        self._end_job(spec, status=status, failure=redacted(str(error)))

    def finish(self, status: Status = "FINISHED", failure: str = "") -> None:
        """End the run, and record in MLflow all that it has missed."""
        self._over.set()
        self._beating.join()
        if status == "FINISHED" and self._record.parent is None:  # a person who stops a run does not wait for others
            self._catching_up.join()
        with self._record_lock:
            self._record = self._record.ending(status, now(), redacted(failure))
            saved = self._save()
        with self._mlflow_lock, self._quietly():
            # Of a process that has taken this one for dead, and recorded that.
            for address in self._workspace.list(self._record.folder):
                if "/synced-" in address:
                    self._workspace.delete(address)
            self._mirror = self._mirror or Mirror(self._uri, self._workspace)
            push(self._record, self._workspace, self._mirror, self._uri)
            self._mirror.follow_champions()
        self._life.release()
        if saved:
            Path(self._life.lock_file).unlink(missing_ok=True)

    def _end_job(self, spec: AnySpec, **how: Any) -> None:
        self.add([spec])
        with self._record_lock:
            ended = {"ended": now(), **how}
            jobs = [job if job.address != spec.address else job.model_copy(update=ended) for job in self._record.jobs]
            self._record = self._record.model_copy(update={"jobs": tuple(jobs)})
        self._show([job for job in jobs if job.address == spec.address])

    def _show(self, jobs: Sequence[JobRecord]) -> None:
        """Bring the run in MLflow and the child runs of some jobs up to date, unless MLflow is away."""
        with self._mlflow_lock:
            if not self._away:
                with self._quietly():
                    self._mirror = self._mirror or Mirror(self._uri, self._workspace)
                    self._mirror.push(self._record, jobs)

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Warn once of what MLflow or the storage raise: tracking never stops training."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            if not self._away:
                _log.warning(
                    "MLflow at %s does not take records now; the run goes on, and its end, the next run or "
                    "`maskfold sync --workspace %s` records what is missing: %s",
                    without_password(self._uri), self._workspace.uri, short(error),
                )  # fmt: skip
            self._away = True

    def _save(self) -> bool:
        """Publish the record; without it a run goes on, and shows less when it is looked at later."""
        try:
            self._record = self._record.model_copy(update={"alive": now()})
            self._record.save(self._workspace)
        except MaskfoldError as error:
            _log.warning("the record of this run was not kept: %s", error)
            return False
        return True

    def _beat(self) -> None:
        while not self._over.wait(records.BEAT_S):
            with self._record_lock:
                self._save()

    def _sync_others(self) -> None:
        if self._away:
            return
        try:
            sync(self._workspace, self._uri, again=False, but=self.id)
        except Exception as error:  # noqa: BLE001 - tracking never stops training
            _log.warning("MLflow: earlier runs are not brought up now: %s", short(error))


def _job(spec: AnySpec, recipe: Recipe) -> JobRecord:
    job = JobRecord(stage=spec.stage, key=spec.key, label=spec.label, started=now())
    if not isinstance(spec, TrainSpec):
        return job
    fold = str(spec.fold + 1) if isinstance(spec, TrainFoldSpec) else "all"
    usual = flatten(recipe.network(spec.network.name).model_dump(mode="json"))
    own = flatten(spec.network.model_dump(mode="json"))
    changed = {name: value for name, value in own.items() if usual.get(name) != value}
    params = {"network": spec.network.name, "fold": fold, **changed}
    return job.model_copy(update={"child": f"{spec.network.name} {spec.part}", "params": params})
