"""MLflow's registry is brought up from the workspace, and nothing is registered twice."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient

from maskfold import champions
from maskfold.champions import Champion
from maskfold.storage import Workspace, open_workspace
from maskfold.tracking import RunTracker, connect, find_registered, sync
from tests.packages import Exported, export
from tests.servers.mlflow import MlflowServer
from tests.servers.proxy import Proxy
from tests.tracking.conftest import begin, whole_database

MODEL = "maskfold-mask"


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    return open_workspace(str(tmp_path / "other"))


@pytest.fixture(autouse=True)
def _empty_registry(request: pytest.FixtureRequest) -> None:
    """The server is that of all tests."""
    if "mlflow_server" in request.fixturenames or "uri" in request.fixturenames:
        server = request.getfixturevalue("mlflow_server") if "proxy" in request.fixturenames else None
        client = connect(server.uri if server else request.getfixturevalue("uri"))
        for model in client.search_registered_models():
            client.delete_registered_model(model.name)
        for experiment in client.search_experiments():
            for logged in client.search_logged_models([experiment.experiment_id]):
                client.delete_logged_model(logged.model_id)


def run(workspace: Workspace, key: str = "1" * 16, score: float = 0.71, end: bool = True, **more: object) -> RunTracker:
    """A run that exports a model, which becomes the champion if there is none."""
    tracker = begin(workspace)
    exported = export(workspace, key, score, **more)
    tracker.done(exported.spec)
    champions.crown_first(workspace, exported.spec, exported.outcome)
    if end:
        tracker.finish()
    return tracker


def crown(workspace: Workspace, exported: Exported, how: str) -> Champion:
    """Make a model the champion, whatever there is."""
    chosen = champions.candidate(exported.spec, exported.outcome).model_copy(update={"set_by": how})
    return champions.succeed(workspace, MODEL, lambda _: chosen).champion


def versions(uri: str) -> list[ModelVersion]:
    found = MlflowClient(tracking_uri=uri).search_model_versions(f"name = '{MODEL}'")
    return sorted(found, key=lambda version: int(version.version))


def alias(uri: str) -> str:
    return str(MlflowClient(tracking_uri=uri).get_model_version_by_alias(MODEL, "champion").version)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_run_registers_its_model_with_scores_and_alias(uri: str, workspace: Workspace) -> None:
    tracker = run(workspace)
    client = MlflowClient(tracking_uri=uri)
    (version,) = versions(uri)
    assert alias(uri) == str(version.version)
    held = champions.read(workspace, MODEL).champion
    assert version.run_id == tracker.run_id
    assert {name: version.tags[f"maskfold.{name}"] for name in ("key", "digest", "recipe", "run", "workspace")} == {
        "key": held.key, "digest": held.digest, "recipe": "smoke", "run": tracker.id, "workspace": workspace.uri
    }  # fmt: skip
    assert version.tags["maskfold.dataset_version"] == "d"
    assert [version.tags[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high")] == [
        *("0.7100", "0.6600", "0.7600")
    ]
    assert "macro-F1 0.710 (95 % interval 0.660 to 0.760)" in version.description
    model = client.get_logged_model(version.tags["maskfold.logged_model"])
    assert str(model.status) == "READY"
    assert {metric.key: metric.value for metric in model.metrics}["macro_f1"] == 0.71
    assert {metric.key for metric in model.metrics} >= {"accuracy", "oof/vote/mask_macro_f1"}
    run_there = client.get_run(tracker.run_id)
    assert run_there.data.tags["maskfold.model"] == f"{MODEL}/{version.version}"
    assert [output.model_id for output in run_there.outputs.model_outputs] == [model.model_id]
    names = {entry.path for entry in client.list_logged_model_artifacts(model.model_id)}
    assert names == {
        *("MLmodel", "input_example.json", "serving_input_example.json", "requirements.txt"),
        *("python_env.yaml", "package"),
    }
    package = {entry.path for entry in client.list_logged_model_artifacts(model.model_id, "package")}
    assert package == {f"package/{name}" for name in ("model.json", "README.md", "a-1.safetensors")}


def test_registering_again_changes_nothing(embedded: str, workspace: Workspace, maskfold_home: Path) -> None:
    run(workspace)
    before = whole_database(maskfold_home)
    assert sync(workspace).complete == 1
    assert sync(workspace).incomplete == 0
    assert whole_database(maskfold_home) == before


def test_two_runs_of_one_model_register_it_once(uri: str, workspace: Workspace) -> None:
    run(workspace)
    second = run(workspace)
    (version,) = versions(uri)
    there = MlflowClient(tracking_uri=uri).get_run(second.run_id)
    assert there.data.tags["maskfold.model"] == f"{MODEL}/{version.version}"


def test_a_server_that_is_away_gets_the_model_later(
    proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.stop()
    run(workspace)
    assert len(warnings(caplog)) == 1
    assert "maskfold sync" in warnings(caplog)[0]
    proxy.start()
    assert sync(workspace).complete == 1
    (version,) = versions(mlflow_server.uri)
    assert alias(mlflow_server.uri) == str(version.version)
    before = whole_database(mlflow_server.folder)
    sync(workspace)
    assert whole_database(mlflow_server.folder) == before


@pytest.mark.parametrize(
    "path", ["a-1.safetensors", "logged-models", "model-versions/create", "registered-models/alias"]
)
def test_what_fails_on_the_way_is_completed_once(
    path: str, proxy: Proxy, mlflow_server: MlflowServer, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = run(workspace, end=False)
    proxy.fault = lambda method, there: 500 if path in there and method in ("PUT", "POST", "PATCH") else None
    tracker.finish()
    assert tracker.run_id
    assert any("not recorded" in text for text in warnings(caplog))
    assert sync(workspace).incomplete >= 1
    proxy.fault = lambda method, there: None
    assert sync(workspace).incomplete == 0
    (version,) = versions(mlflow_server.uri)
    assert alias(mlflow_server.uri) == str(version.version)
    client = MlflowClient(tracking_uri=mlflow_server.uri)
    experiment = client.get_run(tracker.run_id).info.experiment_id
    assert len(client.search_logged_models([experiment])) == 1


def test_a_version_that_a_person_has_deleted_stays_deleted(embedded: str, workspace: Workspace) -> None:
    tracker = run(workspace)
    client = MlflowClient(tracking_uri=embedded)
    client.delete_model_version(MODEL, versions(embedded)[0].version)
    sync(workspace)
    assert versions(embedded) == []
    assert client.get_run(tracker.run_id).data.tags["maskfold.model"] == f"{MODEL}/1"


def test_the_alias_follows_a_better_model_and_one_that_a_person_promotes(embedded: str, workspace: Workspace) -> None:
    run(workspace)
    run(workspace, "2" * 16, 0.8)
    assert alias(embedded) == "1"
    better, first = export(workspace, "2" * 16, 0.8), export(workspace)
    crown(workspace, better, "score")
    sync(workspace)
    assert alias(embedded) == "2"
    crown(workspace, first, "person")
    sync(workspace)
    assert alias(embedded) == "1"
    assert len(versions(embedded)) == 2


def test_an_alias_that_a_person_moves_stays_until_the_champion_changes(embedded: str, workspace: Workspace) -> None:
    run(workspace)
    run(workspace, "2" * 16, 0.8)
    client = MlflowClient(tracking_uri=embedded)
    client.set_registered_model_alias(MODEL, "champion", "2")
    sync(workspace)
    begin(workspace).finish()
    assert alias(embedded) == "2"


def test_the_champion_of_another_workspace_keeps_the_alias_until_a_person_promotes(
    embedded: str, workspace: Workspace, other: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    run(workspace)
    run(other, "3" * 16, 0.9)
    assert alias(embedded) == "1"
    said = [text for text in warnings(caplog) if "stays version 1" in text]
    assert len(said) == 1
    assert f"maskfold promote --workspace {other.uri}" in said[0]
    sync(other)
    assert len([text for text in warnings(caplog) if "stays version 1" in text]) == 1
    crown(other, export(other, "3" * 16, 0.9), "person")
    sync(other)
    assert alias(embedded) == "2"
    sync(workspace)
    assert alias(embedded) == "2"


def test_what_others_have_registered_under_the_name_is_not_taken_for_ours(embedded: str, workspace: Workspace) -> None:
    client = connect(embedded)
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, "/somewhere", await_creation_for=0)
    run(workspace)
    assert [version.tags.get("maskfold.key") is None for version in versions(embedded)] == [True, False]
    assert find_registered(MODEL, alias="champion").version == "2"
