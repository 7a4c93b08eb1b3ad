"""Which model is meant: a champion, a registered one, that of a run, or a package by its address."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from maskfold import champions, tracking
from maskfold.champions import Champion
from maskfold.errors import CorruptDataError, InputError, MaskfoldError, UnavailableError
from maskfold.history import Run, read_runs
from maskfold.specs import OUTCOME_FILE, ExportOutcome, ExportSpec, package_file, package_folder
from maskfold.storage import Workspace, open_existing
from maskfold.tracking import RegisteredVersion
from maskfold.wording import first_few

CHAMPION: Final = "champion"
LATEST: Final = "run:latest"
_RUN: Final = "run:"
_REGISTERED: Final = "models:"
_NAMED: Final = re.compile(r"models:/([^/@]+)(?:@([^/@]+)|/([0-9]+))")


@dataclass(frozen=True)
class FoundModel:
    """The address of a package."""

    uri: str
    """Its folder."""
    digest: str | None
    """What its digest must be; None for a package that the user named by its address."""
    said: str
    """Which model it is, for people."""
    warning: str = ""
    """What people must know of it: that it is not the one that they would expect, and why. Empty if nothing is."""


def find_model(reference: str, workspace: str) -> FoundModel:
    """Return the model that a reference means.

    Args:
        reference: ``champion``: MLflow's, or the workspace's own if MLflow is away or has none. ``models:/NAME@ALIAS``
            or ``models:/NAME/VERSION`` of MLflow's registry; while it is away a version that is a package of the
            workspace is known all the same. ``run:latest``, ``run:ID`` (a run's id, or the beginning
            of one). Or the folder of a package.
        workspace: Of the runs and the champion; not looked at for a folder.

    Raises:
        InputError: If there is none.
        UnavailableError: If the storage, or MLflow where nothing stands in for it, cannot be reached.
        CorruptDataError: If a record, or a downloaded package, is damaged.
    """
    if reference == CHAMPION:
        return _champion(workspace)
    if reference.startswith(_REGISTERED):
        return _named(reference, workspace)
    if not reference.startswith(_RUN):
        return FoundModel(reference, None, f"model {reference}")
    opened = open_existing(workspace)
    run = find_run(reference.removeprefix(_RUN), opened)
    key = exported_key(run)
    if key is None:
        raise InputError(
            f"run {run.record.id} has no model package; `maskfold export --workspace {workspace} --run "
            f"{run.record.id}` makes one of a finished run"
        )
    return packaged(opened, key, f"model of run {run.record.name}, {run.started}")


def own_champion(workspace: Workspace) -> Champion | None:
    """Return the champion of a workspace, whatever MLflow says; None if it has none.

    Raises:
        InputError: If it has several, of different classes.
        CorruptDataError: If its record is damaged.
    """
    models = champions.models_with_one(workspace)
    if len(models) > 1:
        named = ", ".join(f"models:/{model}@{CHAMPION}" for model in models)
        raise InputError(f"workspace {workspace.uri} has the champions of several models; name one of {named}")
    held = champions.read(workspace, models[0]) if models else None
    return None if held is None else held.champion


def packaged(workspace: Workspace, key: str, said: str) -> FoundModel:
    """Return the package that an export job of a workspace has made.

    Args:
        workspace: The workspace.
        key: Of the job.
        said: Which model it is, for people.

    Raises:
        InputError: If it was deleted.
        CorruptDataError: If the job's outcome is damaged.
    """
    content = workspace.read(f"{ExportSpec.stage}/{key}/{OUTCOME_FILE}")
    where = workspace.locate(package_folder(key))
    if content is None:
        raise InputError(f"{said}: {where} is not there any more; run, or export, again")
    try:
        outcome = ExportOutcome.model_validate_json(content)
    except ValidationError:
        raise CorruptDataError(
            f"{workspace.locate(ExportSpec.stage)}/{key}/{OUTCOME_FILE} is damaged; delete that folder and export again"
        ) from None
    return FoundModel(where, outcome.digest, said)


def exported_key(run: Run) -> str | None:
    """Return the key of the job that packaged a run's model; None if there was none, or it did not finish."""
    jobs = [job for job in run.record.jobs if job.stage == ExportSpec.stage and job.status == "FINISHED"]
    return jobs[-1].key if jobs else None


def find_run(name: str, workspace: Workspace) -> Run:
    """Return a run by id, or the beginning of one; ``latest`` is the newest one with a finished vote.

    Raises:
        InputError: If there is none, or several are meant.
    """
    runs, _ = read_runs(workspace)
    finished = [run for run in runs if run.outcome is not None]
    if name == "latest":
        if not finished:
            raise InputError(f"workspace {workspace.uri}: no run has finished yet; `maskfold run` makes one")
        return finished[0]
    meant = [run for run in runs if name and run.record.id.startswith(name)]
    if len(meant) != 1:
        known = first_few([run.record.id for run in runs]) or "none"
        problem = "several runs begin so" if meant else "there is no such run"
        raise InputError(f"run {name!r}: {problem}; runs of {workspace.uri}: {known}")
    return meant[0]


def _champion(workspace: str) -> FoundModel:
    """Return MLflow's champion, or that of the workspace."""
    try:
        opened = open_existing(workspace)
    except InputError:
        opened = None
    own = None if opened is None else own_champion(opened)
    if own is not None:
        return _registered_champion(own.model, opened, own)
    try:
        models = tracking.champions_registered()
    except UnavailableError as error:
        raise InputError(f"{_nothing(workspace)}, and {error}") from None
    if len(models) != 1:
        named = " or ".join(f"models:/{model}@{CHAMPION}" for model in models)
        raise InputError(f"{_nothing(workspace)}; " + (f"name {named}" if named else "MLflow has none, either"))
    return _registered_champion(models[0], opened, None)


def _registered_champion(model: str, opened: Workspace | None, own: Champion | None) -> FoundModel:
    """Return the version with the alias ``champion``; without one, the workspace's own champion, saying so."""
    try:
        found = tracking.find_registered(model, alias=CHAMPION)
        if found is not None:
            said = f"champion of {model}: version {found.version}, {found.about}"
            other = "" if own is None or own.digest == found.digest else (
                f"MLflow's champion of {model} is version {found.version}, {found.about}, of {found.workspace}; the "
                f"champion of this workspace is {own}, which `maskfold promote` makes MLflow's, too"
            )  # fmt: skip
            return _located(found, opened, said, other)
        why = f"MLflow has no {model} with the alias {CHAMPION}"
    except UnavailableError as error:
        why = str(error)
    if own is None or opened is None:
        raise InputError(f"models:/{model}@{CHAMPION}: {why}, and the workspace has no champion of it")
    if not champions.is_there(opened, own):
        where = opened.locate(own.package)
        raise InputError(f"{where}: the package of the champion is not there any more; promote another model")
    warning = f"{why}; using the champion of the workspace {opened.uri}, {own}"
    return FoundModel(opened.locate(own.package), own.digest, f"champion of {model}: {own}", warning)


def _named(reference: str, workspace: str) -> FoundModel:
    """Return a version of MLflow's registry."""
    parts = _NAMED.fullmatch(reference)
    if parts is None:
        raise InputError(f"model {reference}: expected models:/NAME@ALIAS or models:/NAME/VERSION")
    name, alias, version = parts[1], parts[2] or "", parts[3] or ""
    try:
        opened: Workspace | None = open_existing(workspace)
    except InputError:
        opened = None
    if alias == CHAMPION:
        held = None if opened is None else champions.read(opened, name)
        return _registered_champion(name, opened, None if held is None else held.champion)
    try:
        found = tracking.find_registered(name, alias, version)
    except UnavailableError as error:
        known = None if opened is None or alias else tracking.remembered(opened, name, version)
        if opened is None or known is None:
            raise UnavailableError(f"{reference}: {error}; {CHAMPION}, run:ID or a folder needs no MLflow") from None
        where = opened.locate(package_folder(known[0]))
        return FoundModel(where, known[1], reference, f"{error}; using {where}, which was registered as {reference}")
    if found is None:
        there = tracking.aliases_and_versions(name)
        raise InputError(f"{reference}: MLflow has no such {f'version; {name}: {there}' if there else 'model'}")
    return _located(found, opened, f"{reference}: version {found.version}, {found.about}")


def _located(found: RegisteredVersion, opened: Workspace | None, said: str, warning: str = "") -> FoundModel:
    """Return where the package of a version is: in a workspace that can be reached from here, or downloaded."""
    for workspace in (opened, found.workspace):
        try:
            place = open_existing(workspace) if isinstance(workspace, str) else workspace
            content = None if place is None else place.read(package_file(found.key))
        except MaskfoldError:  # on another machine, or not ours to read
            continue
        if place is not None and content is not None and hashlib.sha256(content).hexdigest() == found.digest:
            return FoundModel(place.locate(package_folder(found.key)), found.digest, said, warning)
    return FoundModel(str(tracking.fetch_registered(found)), found.digest, said, warning)


def _nothing(workspace: str) -> str:
    advice = f"`maskfold promote --workspace {workspace} --model run:ID` chooses one"
    return f"workspace {workspace} has no champion: the first run makes one, and {advice}"
