"""The command line and the flows' parameters are frozen, so that every change is deliberate."""

import inspect
from pathlib import Path

import typer.main
import yaml

from flows.audit import audit
from flows.auto import auto
from flows.compare import compare
from flows.job import job
from flows.predict import predict
from flows.train import train
from flows.tune import tune
from maskfold.cli import app

ROOT = Path(__file__).parents[1]


def options(command: str) -> set[str]:
    group = typer.main.get_command(app)
    parameters = group.commands[command].params  # type: ignore[attr-defined]
    return {option for parameter in parameters for option in parameter.opts}


def defaults(command: str) -> dict[str, object]:
    """Return the default of each option."""
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if not parameter.required and parameter.name != "help"
    }


def test_the_command_line_is_frozen() -> None:
    assert set(typer.main.get_command(app).commands) == {  # type: ignore[attr-defined]
        *("run", "compare", "tune", "auto", "curves", "check", "recipe", "explain", "runs", "clean", "sync", "ui"),
        *("demo", "doctor", "export", "models", "predict", "promote", "serve", "audit"),
    }
    run = {"--data", "--workspace", "--recipe", "--set", "--weights", "--launcher"}
    assert options("run") == {*run, "--dry-run", "--json", "--verbose"}
    more = {"--vary", "--study", "--grid", "--seeds"}
    assert options("compare") == {*run, *more, "--dry-run", "--json", "--verbose"}
    searched = {"--budget", "--trials", "--space", "--seed"}
    assert options("tune") == {*run, *searched, "--dry-run", "--json", "--verbose"}
    audited = {"--workspace", "--run", "--out", "--rounds", "--launcher"}
    assert options("audit") == {*audited, "--json", "--verbose"}
    assert options("auto") == {*run - {"--recipe"}, "--budget", "--dry-run", "--json", "--verbose"}
    reads = {"--workspace", "--run", "--tensorboard"}
    assert options("curves") == {*reads, "--out", "--plots", "--write-tensorboard", "--json"}
    predicted = {"--images", "--out", "--workspace", "--model", "--all-faces", "--labels", "--launcher"}
    assert options("predict") == {*predicted, "--shard-photographs", "--json", "--verbose"}
    assert options("check") == {"--data", "--recipe", "--set"}
    assert options("recipe") == {"recipe", "--set", "--short", "--plain", "--schema"}
    assert options("explain") == {"key"}
    assert options("runs") == {"--workspace", "--json"}
    assert options("clean") == {"--keep", "--workspace", "--yes", "--json"}
    assert options("models") == {"--workspace", "--json"}
    assert options("promote") == {"--model", "--workspace", "--json"}
    assert options("sync") == {"--workspace", "--tracking-uri", "--json"}
    assert options("ui") == {"--prefect-port", "--mlflow-port"}
    limits = {"--max-mib", "--max-images", "--max-megapixels", "--queue", "--timeout", "--look-seconds"}
    assert options("serve") == {"--model", "--workspace", "--host", "--port", "--token-file", "--json", *limits}
    assert options("doctor") == {"--weights", "--workspace", "--json"}
    assert options("demo") == {"--out", "--people", "--seed", "--json"}
    assert options("export") == {"--workspace", "--run", "--format", "--out", "--json"}
    exported = {"workspace": "maskfold-out", "run": "latest", "format": "package", "out": "", "json": False}
    assert defaults("export") == exported
    flags = {"json": False, "verbose": False, "dry_run": False}
    kept = {"workspace": "maskfold-out", "recipe": "fast", "set": [], "weights": [], "launcher": "local"}
    assert defaults("run") == {**kept, **flags}
    assert defaults("tune") == {**kept, **flags, "budget": "", "trials": None, "space": "", "seed": 0}
    found = {"workspace": "maskfold-out", "run": "latest", "out": "", "rounds": 1, "launcher": "local"}
    assert defaults("audit") == {**found, "json": False, "verbose": False}
    assert defaults("auto") == {**{name: kept[name] for name in kept if name != "recipe"}, **flags}
    assert defaults("sync") == {"workspace": "maskfold-out", "tracking_uri": "", "json": False}
    assert defaults("clean") == {"workspace": "maskfold-out", "yes": False, "json": False}
    assert defaults("demo") == {"out": Path("maskfold-demo"), "people": 40, "seed": 0, "json": False}
    assert defaults("serve") == {
        "model": "champion",
        "workspace": "maskfold-out",
        "host": "127.0.0.1",
        "port": 8000,
        "token_file": None,
        "look_seconds": 10.0,
        "max_mib": 32,
        "max_images": 64,
        "max_megapixels": 40,
        "queue": 256,
        "timeout": 30.0,
        "json": False,
    }
    assert defaults("ui") == {"prefect_port": 4200, "mlflow_port": 5000}


def test_the_flow_has_the_command_lines_parameters() -> None:
    parameters = inspect.signature(train.fn).parameters
    assert list(parameters) == ["data", "workspace", "recipe", "set", "weights", "launcher"]
    assert {f"--{name}" for name in parameters} == options("run") - {"--verbose", "--dry-run", "--json"}
    assert {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty} == {
        "recipe": "fast",
        "set": [],
        "weights": [],
        "launcher": "local",
    }


def test_the_flow_of_a_search_has_the_command_lines_parameters() -> None:
    parameters = inspect.signature(tune.fn).parameters
    assert {f"--{name}" for name in parameters} == options("tune") - {"--verbose", "--dry-run", "--json"}


def test_the_flow_without_a_recipe_has_the_command_lines_parameters() -> None:
    parameters = inspect.signature(auto.fn).parameters
    assert list(parameters) == ["data", "workspace", "budget", "set", "weights", "launcher"]
    assert {f"--{name}" for name in parameters} == options("auto") - {"--verbose", "--dry-run", "--json"}


def test_the_flow_predict_has_the_parameters_of_its_command() -> None:
    parameters = inspect.signature(predict.fn).parameters
    assert list(parameters) == [
        *("images", "out", "workspace", "model", "all_faces", "labels", "launcher", "shard_photographs")
    ]
    assert {f"--{name.replace('_', '-')}" for name in parameters} == options("predict") - {"--json", "--verbose"}
    given = defaults("predict")
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            assert parameter.default == given[name]


def test_the_flow_of_audits_has_the_parameters_of_its_command() -> None:
    parameters = inspect.signature(audit.fn).parameters
    assert list(parameters) == ["workspace", "run", "out", "rounds", "launcher"]
    assert {f"--{name}" for name in parameters} == options("audit") - {"--json", "--verbose"}
    given = defaults("audit")
    assert all(one.default == given[name] for name, one in parameters.items() if one.default is not one.empty)


def test_the_flow_of_comparisons_takes_a_study() -> None:
    assert list(inspect.signature(compare.fn).parameters) == ["data", "workspace", "study", "weights", "launcher"]


def test_the_flow_of_searches_takes_a_budget_and_a_space() -> None:
    recipe = ["data", "workspace", "recipe", "set", "weights"]
    assert list(inspect.signature(tune.fn).parameters) == [*recipe, "budget", "trials", "space", "seed", "launcher"]


def test_the_job_flow_is_frozen() -> None:
    assert list(inspect.signature(job.fn).parameters) == ["workspace", "stage", "key"]


def test_prefect_yaml_names_flows_that_exist() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    known = {
        "flows/train.py:train": train,
        "flows/compare.py:compare": compare,
        "flows/tune.py:tune": tune,
        "flows/audit.py:audit": audit,
        "flows/auto.py:auto": auto,
        "flows/predict.py:predict": predict,
        "flows/job.py:job": job,
    }
    assert {deployment["entrypoint"] for deployment in deployments} == set(known)
    for deployment in deployments:
        accepted = set(inspect.signature(known[deployment["entrypoint"]].fn).parameters)
        assert set(deployment.get("parameters", {})) <= accepted
        assert deployment["description"]
