"""Brings the MLflow runs of a record up to what the record and the jobs' outcomes say.

Everything looks first and adds what is missing, so that it can be repeated, interrupted and repeated again. Times come
from the record and never from the clock, so that two processes that add the same add it once: MLflow keeps equal points
of a metric once.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from maskfold import champions
from maskfold.champions import Champion
from maskfold.errors import CorruptDataError
from maskfold.loopback import between_pages
from maskfold.recipe.text import load_yaml
from maskfold.specs import OUTCOME_FILE, ExportSpec
from maskfold.storage import Workspace
from maskfold.storage.location import parse
from maskfold.tracking.content import CURVE_KEY, Content, content_of, fold_means, headlines_first, timing_table
from maskfold.tracking.logged import LoggedRun, Patience, clean_tags, flatten, short
from maskfold.tracking.record import JobRecord, RunRecord, read_record
from maskfold.tracking.registered import remember
from maskfold.tracking.registry import Origin, Registry
from maskfold.tracking.store import connect, experiment, experiment_name, run_page

if TYPE_CHECKING:
    from mlflow.entities import Run

RUN_TAG, JOB_TAG, WORKSPACE_TAG = "maskfold.run", "maskfold.job", "maskfold.workspace"
_FILES_TAG = "maskfold.files"
_MODEL_TAG = "maskfold.model"
"""On a run: the registered model and version of its package, also when a person has deleted that."""
_PARENT_TAG, _NOTE_TAG = "mlflow.parentRunId", "mlflow.note.content"
_LOOK = "See also:"
"""Beginning of our own descriptions."""

_log = logging.getLogger(__name__)


class Mirror:
    """The runs of a workspace in one MLflow; methods raise whatever MLflow or its server raise.

    Args:
        uri: Tracking URI.
        workspace: Holds records and outcomes.
    """

    def __init__(self, uri: str, workspace: Workspace) -> None:
        self._client, self._uri = connect(uri), uri
        self._is_embedded = not uri.startswith("http")
        self._workspace = workspace
        self._runs: dict[str, dict[str, LoggedRun]] = {}
        """By record; each record's own run under the empty name, children under their jobs' addresses."""
        self._contents: dict[str, Content | None] = {}
        self._patience = Patience()
        self._registry = Registry(self._client, workspace, self._patience)
        self.experiment = functools.cache(functools.partial(experiment, self._client))
        """Returns the id of an experiment, by its name."""

    def id_of(self, record: str, job: str = "") -> str:
        """Return the id of a run that was found or created before, or nothing; ``job`` is the address of a child's."""
        run = self._runs.get(record, {}).get(job)
        return run.id if run else ""

    def push(self, record: RunRecord, jobs: Iterable[JobRecord] | None = None) -> bool:
        """Bring the run of a record and its children up to date.

        Args:
            record: The run.
            jobs: Whose child runs to look at. By default all, after looking how they are now in MLflow.

        Returns:
            Whether everything is recorded; files that could not be are logged by their names.
        """
        runs = self._find_or_create(record, again=jobs is None)
        if runs[""].is_deleted:
            return True
        self._push_run(record, runs[""])
        for job in record.jobs if jobs is None else jobs:
            if job.child and not runs[job.address].is_deleted:
                self._push_job(record, job, runs[job.address], runs[""].id)
        is_registered = record.ended is None or self._push_model(record, runs[""])
        return is_registered and not any(run.refused for run in runs.values())

    def follow_champions(self) -> bool:
        """Give the alias to the champions of the workspace; return whether that could be done, which is logged."""
        done = True
        for model in champions.models_with_one(self._workspace):
            try:
                held = champions.read(self._workspace, model)
                if held is not None:
                    self._registry.follow(held.champion, self._origin(held.champion))
            except Exception as error:  # noqa: BLE001 - what one model is refused for, others may not be
                self._client.search_experiments(max_results=1)  # raises when the server is away
                _log.warning("MLflow: the champion of %s is not recorded: %s", model, short(error))
                done = False
        return done

    def _origin(self, champion: Champion) -> Origin:
        """Return what is known of how a champion came to be that no run of this workspace has registered."""
        at = int(datetime.fromisoformat(champion.since).timestamp() * 1000)
        return Origin(self.experiment(experiment_name()), at)

    def _push_model(self, record: RunRecord, run: LoggedRun) -> bool:
        """Register the package of a run; return whether it is, or there is none."""
        made = [job for job in record.jobs if job.stage == ExportSpec.stage and job.status == "FINISHED"]
        if not made or run.tag(_MODEL_TAG):
            return True
        origin = Origin(self.experiment(record.experiment), made[-1].ended or record.started, run.id, record.id)
        try:
            version = self._registry.register(made[-1].key, origin)
            if version is not None:
                remember(self._workspace, made[-1].key, version, self._uri)
        except Exception as error:  # noqa: BLE001 - the run must not stay incomplete for its model
            self._client.get_run(run.id)  # raises when the server is away
            _log.warning("MLflow: the model of %s is not recorded: %s", record.name, short(error))
            return False
        if version is not None:
            run.log(tags={_MODEL_TAG: f"{version.name}/{version.version}"})
        return True

    def _push_run(self, record: RunRecord, run: LoggedRun) -> None:
        contents = [(job, content) for job in record.jobs if (content := self._content(record, job))]
        own = Content(texts={"recipe.yaml": record.recipe}, tags=dict(record.tags))
        for job, content in contents:
            if not job.child:
                own.tags |= content.tags
                own.metrics |= content.metrics | ({f"seconds/{job.stage}": content.seconds} if content.metrics else {})
                own.files += content.files
                own.texts |= content.texts
        if record.ended is not None:
            rows = [(job.label, shown.seconds, shown.images_per_second, job.reused) for job, shown in contents]
            own.texts["timing.csv"] = timing_table(rows)
            own.tags |= _failure(record.failure)
            own.metrics |= fold_means(
                (job.params.get("network", job.label), score)
                for job, shown in contents
                if job.child and (score := shown.metrics.get("macro_f1")) is not None
            )
        params = {"data": record.data, "workspace": self._workspace.uri, **_settings(record.recipe)}
        own.tags |= self._note(record, run, own)
        # All at once: MLflow's page of a run shows metrics in the order in which they came.
        metrics = headlines_first(own.metrics) if record.ended is not None else {}
        run.log(params, own.tags, metrics, at=max((job.ended or 0 for job in record.jobs), default=0))
        if version := own.tags.get("dataset_version"):
            run.log_dataset(parse(record.data).name, version, record.data)
        if record.ended is not None:
            if record.status == "FINISHED" and "macro_f1" in own.metrics:
                run.rename(record.name, f"{record.name} {own.metrics['macro_f1']:.3f}")
            run.end(record.status, record.ended)
        self._log_artifacts(run, own, record.name)

    def _note(self, record: RunRecord, run: LoggedRun, own: Content) -> dict[str, str]:
        """Return the description that MLflow shows of a run, unless a person has written another one."""
        links = []
        if record.ended is not None and any(file.path.endswith("report.html") for file, _ in own.files):
            page = functools.partial(run_page, self.experiment(record.experiment), run.id)
            links += [f"[Report]({page('artifacts/report.html')})", f"[submission and tables]({page('artifacts')})"]
        if flow := record.tags.get("prefect.flow_run_url"):
            links.append(f"[flow run in Prefect]({between_pages(flow) if self._is_embedded else flow})")
        written = run.tag(_NOTE_TAG)
        is_ours = not written or written.startswith(_LOOK)
        return {_NOTE_TAG: f"{_LOOK} {', '.join(links)}"} if links and is_ours else {}

    def _push_job(self, record: RunRecord, job: JobRecord, run: LoggedRun, parent: str) -> None:
        content = self._content(record, job) or Content()
        network = _settings(record.recipe)["networks"].get(job.params.get("network"), {})
        run.log({**flatten(network), **job.params}, {**content.tags, _PARENT_TAG: parent})
        if job.ended is None:
            return
        run.log_curves(content.curves, CURVE_KEY, job.ended)
        seconds = {"seconds": content.seconds} if content.metrics else {}
        tags = {"reused": str(job.reused).lower(), **_failure(job.failure)}
        run.log(tags=tags, metrics={**content.metrics, **seconds}, at=job.ended)
        run.end(job.status, job.ended)
        if content.files and not (job.reused and self._has_files_elsewhere(record, job, run)):
            # After the end: large files may take long, and the run is complete without them.
            self._log_artifacts(run, content, job.label)
            run.log(tags={} if run.refused else {_FILES_TAG: "recorded"})

    def _log_artifacts(self, run: LoggedRun, content: Content, label: str) -> None:
        """Log files and texts; those that could not be are named in one warning."""
        before = len(run.refused)
        for name, text in content.texts.items():
            run.log_text(name, text)
        for file, folder in content.files:
            name = str(PurePosixPath(folder, PurePosixPath(file.path).name))
            run.log_file(name, file.size, functools.partial(self._workspace.fetch, file))
        refused = list(run.refused)[before:]
        if refused:
            names = ", ".join(refused[:5]) + (f" and {len(refused) - 5} more" if len(refused) > 5 else "")
            reason = run.refused[refused[0]]
            _log.warning("MLflow does not take %s of %s; the next sync tries again: %s", names, label, reason)

    def _content(self, record: RunRecord, job: JobRecord) -> Content | None:
        """Return what a finished job shows; an outcome that cannot be read shows nothing, which is logged once."""
        if job.status != "FINISHED":
            return None
        if job.address not in self._contents:
            self._contents[job.address] = None
            try:
                text = self._workspace.read(f"{job.address}/{OUTCOME_FILE}") or b""
                self._contents[job.address] = content_of(job.stage, text, record.classes)
            except ValueError:
                where = self._workspace.locate(job.address)
                _log.warning("MLflow: %s: %s has no outcome of this version of maskfold", job.label, where)
        return self._contents[job.address]

    def _has_files_elsewhere(self, record: RunRecord, job: JobRecord, run: LoggedRun) -> bool:
        """Say whether another run has the files of a job that this run found finished."""
        where = f"tags.`{JOB_TAG}` = '{job.address}' and tags.`{_FILES_TAG}` = 'recorded'"
        found = self._client.search_runs([self.experiment(record.experiment)], where, max_results=2)
        return any(other.info.run_id != run.id for other in found)

    def _find_or_create(self, record: RunRecord, again: bool = False) -> dict[str, LoggedRun]:
        """Return the runs of a record and its jobs; those of the records above it are found or created too."""
        known = self._runs.setdefault(record.id, {})
        wanted = [job for job in record.jobs if job.child]
        if known and not again and all(job.address in known for job in wanted):
            return known
        found = self._find(record)
        if "" not in found:
            tags = {**record.tags, RUN_TAG: record.id, WORKSPACE_TAG: self._workspace.uri}
            if record.parent is not None:
                above = self._find_or_create(read_record(self._workspace, record.parent))
                tags[_PARENT_TAG] = above[""].id
            self._create(record, record.name, record.started, tags)
            found = self._find(record)
        parent = found[""].info
        missing = [job for job in wanted if job.address not in found and parent.lifecycle_stage == "active"]
        for job in missing:
            tags = {RUN_TAG: record.id, JOB_TAG: job.address, _PARENT_TAG: parent.run_id}
            self._create(record, job.child, job.started, tags)
        if missing:  # looking again settles which stays when two processes have created the same
            found = self._find(record)
        for name, run in found.items():
            known.setdefault(name, LoggedRun(self._client, run, self._patience)).saw(run)
        return known

    def _find(self, record: RunRecord) -> dict[str, Run]:
        """Return a record's runs by the addresses of their jobs; of several for the same, all but one are deleted.

        A run that a person has deleted in MLflow counts as found, and stays deleted.
        """
        from mlflow.entities import ViewType

        runs: list[Run] = []
        token: str | None = ""
        where, experiments = f"tags.`{RUN_TAG}` = '{record.id}'", [self.experiment(record.experiment)]
        while token is not None:
            page = self._client.search_runs(experiments, where, ViewType.ALL, 1000, page_token=token or None)
            runs += page
            token = page.token or None
        found: dict[str, Run] = {}
        # All processes keep the same one, whatever they see first.
        for run in sorted(runs, key=lambda run: (run.info.lifecycle_stage != "active", run.info.run_id)):
            first = found.setdefault(run.data.tags.get(JOB_TAG, ""), run)
            if first is not run and run.info.lifecycle_stage == "active":
                self._client.delete_run(run.info.run_id)
        return found

    def _create(self, record: RunRecord, name: str, started: int, tags: Mapping[str, str]) -> None:
        self._client.create_run(self.experiment(record.experiment), started, clean_tags(tags), name)


@functools.lru_cache(maxsize=8)
def _settings(recipe: str) -> dict[str, Any]:
    """Return a recipe's settings, with its networks and attributes by name, so that each is compared on its own.

    Raises:
        CorruptDataError: If it is no recipe: the record is damaged, or forged.
    """
    try:
        settings: dict[str, Any] = load_yaml(recipe)
        attributes = {attribute["name"]: attribute for attribute in settings["scheme"]["attributes"]}
        networks = {network["name"]: network for network in settings["networks"]}
        return {**settings, "scheme": {**settings["scheme"], "attributes": attributes}, "networks": networks}
    except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        raise CorruptDataError(f"the recipe of the record cannot be read: {error}") from None


def _failure(message: str) -> dict[str, str]:
    return {"failure": message} if message else {}
