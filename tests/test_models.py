"""Which model a reference means, and what stands in for it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from maskfold import champions
from maskfold.errors import CorruptDataError, InputError, MaskfoldError, UnavailableError
from maskfold.models import find_model
from maskfold.promotion import list_models
from maskfold.scheme import Attribute, Scheme
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking import connect, fetch_registered, find_registered, sync
from tests.packages import Exported, export
from tests.servers.mlflow import MlflowServer
from tests.servers.proxy import Instead, proxied
from tests.tracking.conftest import begin

MODEL = "maskfold-mask"
AWAY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    connect(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def mlflow(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An MLflow of its own for each test."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(template, home / "mlflow.db")
    monkeypatch.setenv("MASKFOLD_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return f"sqlite:///{home / 'mlflow.db'}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "workspace"))


def run(workspace: Workspace, key: str = "1" * 16, **more: object) -> Exported:
    """A finished run whose model becomes the champion if there is none."""
    tracker = begin(workspace)
    exported = export(workspace, key, **more)
    tracker.done(exported.spec)
    champions.crown_first(workspace, exported.spec, exported.outcome)
    tracker.finish()
    return exported


def located(workspace: Workspace, exported: Exported) -> tuple[str, str]:
    return workspace.locate(exported.spec.folder), exported.outcome.digest


def test_the_champion_and_its_other_names(workspace: Workspace) -> None:
    exported = run(workspace)
    for reference in ("champion", f"models:/{MODEL}@champion", f"models:/{MODEL}/1"):
        found = find_model(reference, workspace.uri)
        assert (found.uri, found.digest, found.warning) == (*located(workspace, exported), "")
        assert "version 1, smoke" in found.said
        assert "macro-F1 0.7100" in found.said


def test_mlflows_champion_comes_first_and_another_of_the_workspace_is_said(mlflow: str, workspace: Workspace) -> None:
    first, second = run(workspace), run(workspace, "2" * 16, score=0.8)
    MlflowClient(tracking_uri=mlflow).set_registered_model_alias(MODEL, "champion", "2")
    found = find_model("champion", workspace.uri)
    assert (found.uri, found.digest) == located(workspace, second)
    assert "the champion of this workspace is smoke" in found.warning
    assert first.spec.key in found.warning


@pytest.mark.parametrize("reference", ["champion", f"models:/{MODEL}@champion"])
def test_an_mlflow_that_is_away_leaves_the_workspaces_champion(
    reference: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = run(workspace)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    found = find_model(reference, workspace.uri)
    assert (found.uri, found.digest) == located(workspace, exported)
    assert f"MLflow at {AWAY} does not answer" in found.warning
    assert f"using the champion of the workspace {workspace.uri}" in found.warning


@pytest.mark.parametrize("there", [True, False], ids=["empty", "no database"])
def test_an_mlflow_without_the_model_leaves_the_workspaces_champion(
    there: bool, mlflow: str, workspace: Workspace
) -> None:
    exported = export(workspace)
    champions.crown_first(workspace, exported.spec, exported.outcome)
    database = Path(mlflow.removeprefix("sqlite:///"))
    if not there:
        database.unlink()
    found = find_model("champion", workspace.uri)
    assert (found.uri, found.digest) == located(workspace, exported)
    assert f"MLflow has no {MODEL} with the alias champion" in found.warning
    assert database.exists() == there


def test_a_version_that_is_a_package_of_the_workspace_is_known_while_mlflow_is_away(
    mlflow_server: MlflowServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    with proxied(mlflow_server.port) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        exported = run(workspace, "a" * 16)
        versions = MlflowClient(tracking_uri=mlflow_server.uri).search_model_versions(f"name = '{MODEL}'")
        (version,) = [one.version for one in versions if one.tags["maskfold.digest"] == exported.outcome.digest]
        run(workspace, "b" * 16)
        proxy.stop()
        found = find_model(f"models:/{MODEL}/{version}", workspace.uri)
        assert (found.uri, found.digest) == located(workspace, exported)
        assert "does not answer" in found.warning
        with pytest.raises(UnavailableError):
            find_model(f"models:/{MODEL}/{int(version) + 7}", workspace.uri)


def test_another_version_or_alias_needs_mlflow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run(workspace)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    for reference in (f"models:/{MODEL}/2", f"models:/{MODEL}@best"):
        with pytest.raises(UnavailableError, match=r"does not answer.*champion, run:ID or a folder needs no MLflow"):
            find_model(reference, workspace.uri)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (f"models:/{MODEL}@best", rf"no such version; {MODEL}: aliases: @champion \(version 1\); newest version: 1"),
        (f"models:/{MODEL}/7", r"no such version.*newest version: 1"),
        ("models:/maskfold-hats/1", "MLflow has no such model"),
        ("models:/maskfold-hats@champion", "MLflow has no maskfold-hats with the alias champion"),
        ("models:/maskfold-hats", "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("models:/maskfold-hats/latest", "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("run:nobody", "there is no such run"),
    ],
)
def test_wrong_names_are_answered(reference: str, said: str, workspace: Workspace) -> None:
    run(workspace)
    with pytest.raises(InputError, match=said):
        find_model(reference, workspace.uri)


def test_no_model_anywhere(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for there in (workspace.uri, str(tmp_path / "nowhere")):
        with pytest.raises(InputError, match=r"has no champion: the first run makes one.*MLflow has none, either"):
            find_model("champion", there)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    with pytest.raises(InputError, match=r"has no champion.*does not answer"):
        find_model("champion", workspace.uri)


def test_champions_of_several_schemes_must_be_named(workspace: Workspace) -> None:
    run(workspace)
    attributes = (Attribute(name="hat", values=("no", "yes")), Attribute(name="scarf", values=tuple("abcdefghi")))
    clothes = run(workspace, "2" * 16, scheme=Scheme(name="clothes", attributes=attributes))
    with pytest.raises(InputError, match=rf"models:/maskfold-clothes@champion, models:/{MODEL}@champion"):
        find_model("champion", workspace.uri)
    assert find_model("models:/maskfold-clothes@champion", workspace.uri).digest == clothes.outcome.digest


def test_a_champion_whose_package_was_deleted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = run(workspace)
    shutil.rmtree(workspace.locate(exported.spec.folder))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    with pytest.raises(InputError, match="the package of the champion is not there any more"):
        find_model("champion", workspace.uri)


def test_a_damaged_record_of_the_champion(workspace: Workspace) -> None:
    run(workspace)
    workspace.write(champions.path_of(MODEL), b"{}")
    with pytest.raises(CorruptDataError, match="maskfold promote"):
        find_model("champion", workspace.uri)


def test_a_model_whose_workspace_cannot_be_reached_is_downloaded_once(workspace: Workspace, tmp_path: Path) -> None:
    exported = run(workspace)
    package = Path(workspace.locate(exported.spec.folder))
    files = {path.name: path.read_bytes() for path in package.iterdir() if not path.name.startswith("registered-")}
    shutil.rmtree(workspace.uri)
    found = find_model("champion", str(tmp_path / "nowhere"))
    assert found.digest == exported.outcome.digest
    folder = Path(found.uri)
    there = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
    assert there == files
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.iterdir()] if path.name != ".lock"} == {0}
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "a-1.safetensors").write_bytes(b"damaged")
    (folder / ".download-left").mkdir()
    assert find_model("champion", str(tmp_path / "nowhere")) == found
    assert (folder / "a-1.safetensors").read_bytes() == b"weights"
    assert not (folder / ".download-left").exists()
    assert (folder / "model.json").stat().st_mtime_ns == times["model.json"]


@pytest.mark.parametrize("damage", ["changed", "deleted", "description"])
def test_what_was_changed_in_mlflow_is_refused(damage: str, workspace: Workspace, tmp_path: Path) -> None:
    run(workspace)
    shutil.rmtree(workspace.uri)
    (stored,) = (tmp_path / "home").rglob("artifacts/package")
    name = "model.json" if damage == "description" else "a-1.safetensors"
    (stored / name).unlink() if damage == "deleted" else (stored / name).write_bytes(b"other w")
    said = "is not in MLflow any more" if damage == "deleted" else "is not the file that was registered"
    for _ in range(2):
        with pytest.raises(CorruptDataError, match=said):
            find_model(f"models:/{MODEL}/1", str(tmp_path / "nowhere"))


def test_a_version_of_others_is_no_package(mlflow: str, workspace: Workspace) -> None:
    client = connect(mlflow)
    client.create_registered_model("other")
    client.create_model_version("other", "/somewhere", await_creation_for=0)
    with pytest.raises(InputError, match="was not registered by maskfold"):
        find_model("models:/other/1", workspace.uri)


def test_a_server_that_refuses_access(
    mlflow_server: MlflowServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(workspace)
    with proxied(mlflow_server.port) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri)
        refusal = json.dumps({"error_code": "PERMISSION_DENIED", "message": "Permission denied"}).encode()
        for fault in (Instead(403, refusal), 401):
            proxy.fault = lambda method, path, fault=fault: fault
            with pytest.raises(InputError, match=r"refuses access.*MLFLOW_TRACKING_USERNAME"):
                find_model("champion", workspace.uri)
        proxy.fault = lambda method, path: 503
        assert "does not answer" in find_model("champion", workspace.uri).warning


def test_a_package_is_downloaded_from_a_server(
    mlflow_server: MlflowServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    exported = run(workspace, "e" * 16)
    versions = MlflowClient(tracking_uri=mlflow_server.uri).search_model_versions(f"name = '{MODEL}'")
    (version,) = [one.version for one in versions if one.tags["maskfold.digest"] == exported.outcome.digest]
    folder = fetch_registered(find_registered(MODEL, version=version))
    content = (folder / "model.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == exported.outcome.digest
    assert (folder / "a-1.safetensors").read_bytes() == b"weights"


def test_the_list_of_models_has_the_best_first_and_marks_the_champion(workspace: Workspace) -> None:
    first, second = export(workspace), export(workspace, "2" * 16, 0.8)
    champions.crown_first(workspace, first.spec, first.outcome)
    workspace.write(f"models/{'3' * 16}/model.json", b"{}")
    workspace.write("models/notes.txt", b"the user's own")
    found, damaged = list_models(workspace)
    assert [(one.package.key, one.is_champion) for one in found] == [(second.spec.key, False), (first.spec.key, True)]
    assert found[0].size == len(b"weights") + len(b"# card\n")
    assert len(damaged) == 1
    assert "not the description of a model" in damaged[0]


def test_sync_reports_a_champion_that_is_damaged(workspace: Workspace) -> None:
    run(workspace)
    workspace.write(champions.path_of(MODEL), b"{}")
    report = sync(workspace)
    assert (report.complete, report.incomplete, report.away) == (1, 1, "")
    with pytest.raises(MaskfoldError):
        champions.read(workspace, MODEL)
