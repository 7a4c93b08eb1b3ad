"""The MLflow run of one flow, with a child run for each network and fold."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, Self

from maskfold.errors import MaskfoldError
from maskfold.scheme import Scheme
from maskfold.specs import (
    CropOutcome,
    EnsembleOutcome,
    File,
    PrepareOutcome,
    Tracking,
    TrainFoldOutcome,
    TrainFoldSpec,
    TrainOutcome,
    TrainSpec,
)
from maskfold.storage import Workspace
from maskfold.tracking import calls, content
from maskfold.tracking.owner import close_stale, owner_tags
from maskfold.tracking.revision import git_tags
from maskfold.tracking.sender import Sender, journal_of, send_journal, send_left_over
from maskfold.tracking.store import tracking_uri

LOOPBACK_UI = "http://127.0.0.1:5000"
"""Where `maskfold ui` shows MLflow, unless it is told another port."""

_log = logging.getLogger(__name__)
P = ParamSpec("P")


def _harmless(method: Callable[Concatenate[RunTracker, P], None]) -> Callable[Concatenate[RunTracker, P], None]:
    """Log what a method raises (a file that cannot be fetched, ...): tracking never stops training."""

    @functools.wraps(method)
    def guarded(self: RunTracker, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001
            _log.warning("MLflow: %s was not recorded: %s", method.__name__, error)

    return guarded


class RunTracker:
    """Records one flow; no method raises or waits long, whatever state the server is in.

    Args:
        sender: Sends to the tracking URI.
        run: Id of the parent run, pending when the server did not answer.
    """

    def __init__(self, sender: Sender, run: str) -> None:
        self._sender = sender
        self._run = run
        self._open: set[str] = set()
        self._keys: dict[str, str] = {}
        """Of the jobs, by the id of their child run."""
        self._timing: list[tuple[str, float, float | None, bool]] = []

    @classmethod
    def start(
        cls, name: str, recipe_yaml: str, params: Mapping[str, Any], tags: Mapping[str, str], uri: str | None = None
    ) -> Self:
        """Begin the parent run, after tidying up what killed flows left behind.

        Args:
            name: Name of the run.
            recipe_yaml: The whole recipe, kept as an artifact.
            params: Settings to search by; may be nested.
            tags: Such as ``prefect.flow_run_url``.
            uri: Tracking URI; by default :func:`~maskfold.tracking.store.tracking_uri`.
        """
        uri = uri or tracking_uri()
        sender = Sender(uri, journal_of(f"run-{uuid.uuid4().hex}"), _log)
        call = calls.create(name, {"mlflow.source.name": "maskfold", **git_tags(), **owner_tags(), **tags})
        tracker = cls(sender, call.run)
        if sender.send(call):
            tracker._tidy()
        tracker._record(params=params)
        sender.send(calls.text(call.run, recipe_yaml, "recipe.yaml"))
        return tracker

    @property
    def run_id(self) -> str:
        """Id of the parent run; begins with ``pending-`` as long as MLflow could not be reached."""
        return self._sender.resolve(self._run)

    @property
    def page(self) -> str:
        """Where a person looks at the run: on the server, or where `maskfold ui` shows the embedded database."""
        uri = self._sender.uri
        server = uri.rstrip("/") if uri.startswith("http") else LOOPBACK_UI
        try:
            return f"{server}/#/experiments/{self._sender.experiment()}/runs/{self.run_id}"
        except Exception:  # noqa: BLE001 - away for now; the front page leads on when it is back
            return server

    @property
    def tracking(self) -> Tracking:
        """The parent run, for jobs."""
        return Tracking(uri=self._sender.uri, run_id=self.run_id)

    def child(self, spec: TrainSpec[TrainOutcome]) -> Tracking:
        """Begin the child run of one training."""
        fold = str(spec.fold) if isinstance(spec, TrainFoldSpec) else "all"
        tags = {
            calls.PARENT_TAG: self.run_id,
            "network": spec.network.name,
            "fold": fold,
            "key": spec.key,
            **owner_tags(),
        }
        call = calls.create(f"{spec.network.name} {spec.part}", tags)
        self._sender.send(call)
        run = self._sender.resolve(call.run)
        self._open.add(run)
        self._keys[run] = spec.key
        params = {**spec.network.model_dump(mode="json"), "fold": fold}
        self._record(run, params=params)
        return Tracking(uri=self._sender.uri, run_id=run)

    @_harmless
    def finish_child(
        self, tracking: Tracking, outcome: TrainOutcome, workspace: Workspace, reused: bool = False
    ) -> None:
        """End a child run: final scores, weights, and the epochs that the job itself could not send.

        Args:
            tracking: What :meth:`child` returned.
            outcome: The job's.
            workspace: Holds the weights.
            reused: The job was done by an earlier run; the child shows its curves and is tagged.
        """
        run = self._sender.resolve(tracking.run_id)
        # The outcome has every epoch, so what the job kept on disk is not needed any more.
        journal_of(tracking.run_id).unlink(missing_ok=True)
        self._sender.send(calls.curve(run, content.curve(outcome.history), content.CURVE_KEY))
        tags = {
            "reused": str(reused).lower(),
            "device": outcome.device,
            "amp": outcome.amp,
            "initial_weights": outcome.initial_weights,
        }
        if outcome.resumed_from_epoch is not None:
            tags["resumed_from_epoch"] = str(outcome.resumed_from_epoch)
        self._record(run, metrics=content.training_metrics(outcome), tags=tags)
        job = f"train_all {outcome.network}"
        if isinstance(outcome, TrainFoldOutcome):
            job = f"train_fold {outcome.network} {outcome.fold + 1}"
            self._record(metrics=[(f"folds/{outcome.network}/macro_f1", outcome.macro_f1, outcome.fold)])
        self._timing.append((job, outcome.seconds, outcome.images_per_second, reused))
        self._end_child(run, "FINISHED")
        if not (reused and self._is_recorded(self._keys.get(tracking.run_id, ""))):
            # After the end: large files may take long, and the run is complete without them.
            self._log_file(run, workspace, outcome.weights, "weights")
            if outcome.samples is not None:
                self._log_file(run, workspace, outcome.samples, "figures")
            self._record(run, tags={"files": "recorded"})

    @_harmless
    def fail_child(self, tracking: Tracking, message: str, status: str = "FAILED") -> None:
        """End a child run whose job failed (or, with status ``KILLED``, was stopped)."""
        run = self._sender.resolve(tracking.run_id)
        if not self._sender.backlog:
            send_journal(journal_of(tracking.run_id), self._sender.uri, _log)
        self._record(run, tags={"failure": message})
        self._end_child(run, status)

    @_harmless
    def log_prepared(self, outcome: PrepareOutcome, scheme: Scheme, workspace: Workspace, reused: bool = False) -> None:
        """Record the data set: version, counts, what was left out."""
        tags = {
            "dataset_version": outcome.dataset_version,
            "images_version": outcome.images_version,
            "folds_version": outcome.folds_version,
        }
        self._record(metrics=content.prepare_metrics(outcome), tags=tags)
        self._sender.send(calls.text(self._run, content.class_table(outcome, scheme), "data/class_counts.csv"))
        if outcome.warnings:
            self._sender.send(calls.text(self._run, "\n".join(outcome.warnings), "data/warnings.txt"))
        self._time("prepare", outcome.seconds, None, reused)
        for file in (outcome.quarantine, outcome.folds):
            self._log_file(self._run, workspace, file, "data")

    @_harmless
    def log_cropped(self, outcome: CropOutcome, workspace: Workspace, reused: bool = False) -> None:
        """Record how many faces were found, how fast, and what they look like."""
        self._record(metrics=content.crop_metrics(outcome))
        self._time("crop", outcome.seconds, outcome.images_per_second, reused)
        for file in outcome.figures:
            self._log_file(self._run, workspace, file, "figures/faces")

    @_harmless
    def log_ensemble(self, outcome: EnsembleOutcome, workspace: Workspace, reused: bool = False) -> None:
        """Record the scores, the out-of-fold table, tables, figures, report and submission."""
        self._record(metrics=content.ensemble_metrics(outcome))
        self._time("ensemble", outcome.seconds, None, reused)
        files = [(file, "") for file in (outcome.submission, outcome.report, outcome.oof) if file is not None]
        files += [(file, "figures") for file in outcome.figures] + [(file, "tables") for file in outcome.tables]
        for file, folder in files:
            self._log_file(self._run, workspace, file, folder)

    @_harmless
    def finish(self, status: str = "FINISHED") -> None:
        """End the parent run and what is left of its children, and send what waits.

        Args:
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
        """
        for run in sorted(self._open):
            self._end_child(run, "KILLED" if status == "KILLED" else "FAILED")
        self._sender.send(calls.text(self._run, content.timing_table(self._timing), "timing.csv"))
        self._sender.send(calls.end(self._run, status))
        if not self._sender.flush():
            _log.warning("MLflow: %d records are still unsent; the next run sends them", len(self._sender.backlog))
        self._sender.close()

    def _is_recorded(self, key: str) -> bool:
        """Say whether an earlier run has a job's files; one that was killed before it could send them has not."""
        runs = self._sender.client().search_runs(
            [self._sender.experiment()], f"tags.key = '{key}' and tags.files = 'recorded'", max_results=1
        )
        return len(runs) > 0

    def _tidy(self) -> None:
        try:
            send_left_over(self._sender.uri, _log)
            close_stale(self._sender.client(), self._sender.experiment())
        except Exception as error:  # noqa: BLE001 - tracking never stops training
            _log.warning("MLflow: what killed runs left is not tidied up now: %s", error)

    def _end_child(self, run: str, status: str) -> None:
        self._open = {other for other in self._open if self._sender.resolve(other) != run and other != run}
        self._sender.send(calls.end(run, status))

    def _time(self, job: str, seconds: float, images_per_second: float | None, reused: bool) -> None:
        self._timing.append((job, seconds, images_per_second, reused))
        self._record(metrics=[(f"seconds/{job}", seconds, 0)])

    def _record(self, run: str | None = None, **what: Any) -> None:
        for call in calls.batches(run or self._run, **what):
            self._sender.send(call)

    def _log_file(self, run: str, workspace: Workspace, file: File, folder: str) -> None:
        try:
            path = workspace.fetch(file)
        except MaskfoldError as error:
            _log.warning("MLflow: %s was not recorded: %s", file.path, error)
            return
        self._sender.send(calls.file(run, path, folder))
