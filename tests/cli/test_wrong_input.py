"""What a user can get wrong on the command line: exit code 2, one message, nothing half-written."""

import errno
import json
import os
import re
from pathlib import Path

import pytest
import torch
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from maskfold import errors
from maskfold.cli import app
from maskfold.cli.endings import exit_codes
from tests.dataset.builder import paint

WITH_WEIGHTS = ("--set", "networks.joint.pretrained=if-available")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with files that a user might name by mistake."""
    (tmp_path / "file").write_text("text", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.yaml").write_text("- a\n", encoding="utf-8")
    (tmp_path / "open.yaml").write_text("networks: [", encoding="utf-8")
    (tmp_path / "date.yaml").write_text("name: 2020-99-99", encoding="utf-8")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "python.yaml").write_text("!!python/object/apply:os.getcwd []", encoding="utf-8")
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    (tmp_path / "other.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes())
    (tmp_path / "other.json").write_text(json.dumps({"backbone": "resnet18"}), encoding="utf-8")
    (tmp_path / "zero.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes())
    (tmp_path / "zero.json").write_text(json.dumps({"std": [0, 0, 0]}), encoding="utf-8")
    (tmp_path / "half.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes())
    (tmp_path / "half.json").write_text("{", encoding="utf-8")
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def one_message(result: Result) -> str:
    """Return the one message of a command that failed on wrong input."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.stderr.count("maskfold: ") == 1
    assert result.stderr.startswith("maskfold: ")
    assert result.stdout == ""
    return result.stderr


def run(data: object, workspace: object, *more: str) -> Result:
    return call("run", "--recipe", "smoke", "--data", str(data), "--workspace", str(workspace), *more)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{tmp}/nowhere", "no such folder; expected a folder with train/train.csv"),
        ("{tmp}/file", "this is a file; expected a folder with train/train.csv"),
        ("{tmp}/empty", "the folder is empty"),
        ("", "URI '' is empty"),
        ("ftp://host/data", "ftp:// is not supported"),
        ("file://host/data", "three slashes"),
        ("file:///a%00b", "without NUL"),
        ("s3:///prefix", "not a bucket's name"),
        ("~no-such-user/data", "cannot be resolved"),
        ("a" * 5000, "cannot be read|no such folder"),
        ("bytes-\udcff", "UTF-8"),
    ],
)
def test_a_wrong_data_set(data: str, message: str, files: Path) -> None:
    result = run(data.format(tmp=files), files / "workspace")
    assert re.search(message, one_message(result))
    assert not (files / "workspace").exists()
    assert re.search(message, one_message(call("check", "--data", data.format(tmp=files))))


@pytest.mark.parametrize(
    ("workspace", "message"),
    [
        ("{tmp}/file", "is a file, not a folder"),
        ("{tmp}/file/below", "is a file, not a folder"),
        ("{tmp}/" + "w" * 300, f"cannot use workspace .*{os.strerror(errno.ENAMETOOLONG)}"),
        ("{data}", "is inside the data set"),
        ("{data}/results", "is inside the data set"),
        ("file://{data}/results", "is inside the data set"),
        ("{tmp}/link/results", "is inside the data set"),
        ("~no-such-user/w", "cannot be resolved"),
        ("   ", "is empty"),
    ],
)
def test_a_wrong_workspace(workspace: str, message: str, drawn_data: Path, files: Path) -> None:
    (files / "link").symlink_to(drawn_data)
    before = sorted(drawn_data.rglob("*"))
    assert re.search(message, one_message(run(drawn_data, workspace.format(tmp=files, data=drawn_data))))
    assert sorted(drawn_data.rglob("*")) == before


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("fst", "Did you mean 'fast'"),
        ("", "neither a preset"),
        ("{tmp}/empty", "neither a preset .* nor an existing YAML file"),
        ("{tmp}/list.yaml", "expected a mapping"),
        ("{tmp}/open.yaml", "not valid YAML"),
        ("{tmp}/date.yaml", "not valid YAML"),
        ("{tmp}/python.yaml", "not valid YAML"),
        ("{tmp}/binary.yaml", "UTF-8"),
        ("~no-such-user/r.yaml", "cannot be read"),
        ("a" * 5000, "cannot be read"),
    ],
)
def test_a_wrong_recipe(recipe: str, message: str, drawn_data: Path, files: Path) -> None:
    where = recipe.format(tmp=files)
    workspace = files / "workspace"
    assert re.search(message, one_message(run(drawn_data, workspace, "--recipe", where)))
    assert re.search(message, one_message(call("recipe", where)))
    assert not workspace.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "folds.kk=3"], "Did you mean 'k'"),
        (
            ["--set", "dataset.corrections={tmp}/nowhere.csv"],
            "dataset.corrections: .*nowhere.csv: there is no such file",
        ),
        (["--set", "dataset.external=[{tmp}/nowhere.csv]"], "dataset.external: .*nowhere.csv: there is no such file"),
        (["--set", "dataset.external=[{tmp}]"], "dataset.external: .*: there is no such file"),
        (["--set", "dataset.external=[ftp://x/y.csv]"], "dataset.external: .*ftp:// is not supported"),
        (
            ["--set", "dataset.external=[{tmp}/file]"],
            "workspace .* is inside .*, the folder of the external table file",
        ),
        (["--set", "dataset.external={tmp}/file"], "dataset.external: expected a list"),
        (["--launcher", "nonsense"], "expected local, or pool:NAME"),
        (["--launcher", "pool:"], "expected local, or pool:NAME"),
        (["--weights", "{tmp}"], "every network of the recipe has pretrained: none"),
        ([*WITH_WEIGHTS, "--weights", "{tmp}/nowhere"], "--weights .*nowhere: .*No such file"),
        ([*WITH_WEIGHTS, "--weights", ""], "--weights : URI '' is empty"),
        ([*WITH_WEIGHTS, "--weights", "{tmp}/empty"], "could use test_resnet.safetensors, and the folder has none"),
        ([*WITH_WEIGHTS, "--weights", "{tmp}/w.safetensors"], "a single file is given as BACKBONE="),
        ([*WITH_WEIGHTS, "--weights", "test_resne={tmp}/w.safetensors"], "Did you mean 'test_resnet"),
        ([*WITH_WEIGHTS, "--weights", "test_resnet={tmp}/nowhere.safetensors"], "there is no such file"),
        ([*WITH_WEIGHTS, "--weights", "test_resnet={tmp}/file"], "expected a .safetensors file"),
        ([*WITH_WEIGHTS, "--weights", "test_resnet={tmp}/other.safetensors"], "describes weights of resnet18, not of"),
        ([*WITH_WEIGHTS, "--weights", "test_resnet={tmp}/zero.safetensors"], r"std\.0: Input should be greater than 0"),
        ([*WITH_WEIGHTS, "--weights", "test_resnet={tmp}/half.safetensors"], "expected JSON with backbone_args"),
    ],
)
def test_wrong_options(options: list[str], message: str, drawn_data: Path, files: Path) -> None:
    workspace = files / "workspace"
    output = one_message(run(drawn_data, workspace, *(option.format(tmp=files) for option in options)))
    assert re.search(message, output)
    assert "pydantic" not in output
    assert not workspace.exists()


@pytest.mark.slow
def test_a_prefect_server_that_does_not_answer(drawn_data: Path, files: Path) -> None:
    import subprocess
    import sys

    from tests.servers.ports import free_ports

    (port,) = free_ports(1)
    url = f"http://user:secret@127.0.0.1:{port}/api"
    arguments = ["run", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", str(files / "workspace")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "maskfold", *arguments],
        env={**os.environ, "PREFECT_API_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"maskfold: PREFECT_API_URL=http://127.*: no Prefect server answers there .*\n", done.stderr)
    assert not (files / "workspace").exists()


def test_a_home_of_prefect_that_cannot_be_written(drawn_data: Path, files: Path) -> None:
    with temporary_settings({PREFECT_HOME: files / "file" / "home"}, restore_defaults={PREFECT_API_URL}):
        output = one_message(run(drawn_data, files / "workspace"))
    assert re.search("PREFECT_HOME .*file/home: cannot be written .*set PREFECT_HOME to a writable folder", output)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("PREFECT_LOGGING_LEVEL=LOUD", "PREFECT_LOGGING_LEVEL=LOUD: Input should be 'DEBUG', 'INFO'"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS={x", "expected JSON; correct or unset PREFECT_CLIENT_CUSTOM_HEADERS"),
        ("PREFECT_API_REQUEST_TIMEOUT=soon", "PREFECT_API_REQUEST_TIMEOUT=soon: Input should be a valid number"),
        ("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=perhaps", "MODE=perhaps: Input should be a valid boolean"),
        ("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=false", "is off, .* PREFECT_API_URL names no other; switch the first on"),
    ],
)
def test_a_wrong_setting_of_prefect(setting: str, message: str, drawn_data: Path, files: Path) -> None:
    import subprocess
    import sys

    name, value = setting.split("=")
    arguments = ["run", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", str(files / "workspace")]
    done = subprocess.run(
        [sys.executable, "-m", "maskfold", *arguments],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(f"maskfold: .*{message}.*\n", done.stderr)
    assert not (files / "workspace").exists()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (".env", "PREFECT_LOGGING_LEVEL=LOUD", r"level \(of .env, prefect.toml or a profile\)=LOUD: Input should be"),
        ("prefect.toml", "[logging\n", r"prefect.toml: invalid TOML .*; correct or delete that file"),
        ("user/.prefect/profiles.toml", "[[", r"\.prefect/profiles\.toml: not valid TOML: .*; correct or delete"),
        ("user/.prefect/profiles.toml", 'active = "x"\n[profiles.x]\nPREFECT_LOGGING_LEVEL = "LOUD"', "=LOUD: Input"),
    ],
)
def test_a_wrong_file_of_settings_of_prefect(
    file: str, content: str, message: str, drawn_data: Path, tmp_path: Path
) -> None:
    import subprocess
    import sys

    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(content, encoding="utf-8")
    arguments = ["run", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", str(tmp_path / "workspace")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "maskfold", *arguments],
        env={**kept, "HOME": str(tmp_path / "user"), "MASKFOLD_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(f"maskfold: .*{message}.*\n", done.stderr)
    assert not (tmp_path / "workspace").exists()


def test_a_store_that_mlflow_does_not_know(drawn_data: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ftp://host/runs")
    assert "expected the address of an MLflow server" in one_message(run(drawn_data, files / "workspace"))
    assert not (files / "workspace").exists()


@pytest.mark.parametrize("verbose", [True, False])
def test_an_internal_error_is_one_message_unless_verbose(
    verbose: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit) as ended, exit_codes(verbose):
        raise ZeroDivisionError("by zero")
    assert ended.value.code == 1
    output = capsys.readouterr().err
    assert output.startswith("maskfold: internal error: ZeroDivisionError: by zero")
    assert ("--verbose shows more" in output) != verbose
    assert ("Traceback" in caplog.text) == verbose


@pytest.mark.parametrize("out", ["{tmp}/file", "{tmp}/file/below", "/proc/nowhere"])
def test_a_demo_that_cannot_be_drawn_there(out: str, files: Path) -> None:
    assert Path(out).name in one_message(call("demo", "--out", out.format(tmp=files), "--people", "6"))


def test_missing_corrections(drawn_data: Path, files: Path) -> None:
    setting = f"dataset.corrections={files}/nowhere.csv"
    output = one_message(call("check", "--data", str(drawn_data), "--set", setting))
    assert re.search("dataset.corrections: .*nowhere.csv: there is no such file", output)


def test_an_external_table_that_is_none(drawn_data: Path, files: Path) -> None:
    for name, message in (("nowhere.csv", "there is no such file"), ("file", "the column path is missing")):
        output = one_message(call("check", "--data", str(drawn_data), "--set", f"dataset.external=[{files}/{name}]"))
        assert message in output
        assert name in output


@pytest.mark.parametrize("port", ["0", "99999", "x"])
def test_a_port_that_is_none(port: str) -> None:
    result = call("ui", "--prefect-port", port)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_one_port_for_two_servers(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.servers.ports import free_ports

    (port,) = free_ports(1)
    monkeypatch.setenv("MASKFOLD_HOME", str(files / "home"))
    output = one_message(call("ui", "--prefect-port", str(port), "--mlflow-port", str(port)))
    assert f"port {port} is given for both" in output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 2),
        (errors.JobFailedError("x", 2), 2),
        (errors.JobFailedError("x", 137), 1),
        (errors.UnavailableError("x"), 1),
        (errors.CorruptDataError("x"), 1),
        (errors.CancelledError("x"), 143),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def testexit_codes(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, exit_codes(verbose=False):
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith("maskfold: ")


def test_check_says_what_the_data_set_looks_like(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        paint(tmp_path / "data" / name, name)
    result = call("check", "--data", str(tmp_path / "data"), "--recipe", "smoke")
    assert result.exit_code == 0, result.output
    assert "folders: 4 photographs, label (cat, dog); to change the layout: --set dataset.reader=" in result.stderr
    assert "A run would accept this data set." in result.stdout


def test_paths_with_blanks_and_letters_of_all_kinds(drawn_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fotos für alle 写真 100%"
    folder.symlink_to(drawn_data)
    for uri in (str(folder), folder.as_uri()):
        result = call("check", "--data", uri, "--recipe", "smoke")
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("run:nobody", "run 'nobody': there is no such run"),
        ("run:latest", "no run has finished yet"),
        ("champion", "has no champion; name run:ID, or the folder of a package"),
        ("{folder}/empty", "no model here"),
        ("{folder}/nowhere", "there is no such folder"),
        ("{folder}/file", "there is no such folder"),
        ("models:/maskfold-mask", "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("models:/maskfold-mask/3", "MLflow has no such model"),
    ],
)
def test_wrong_models_are_not_promoted(model: str, said: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(files / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace = files / "workspace"
    workspace.mkdir()
    result = call("promote", "--workspace", str(workspace), "--model", model.format(folder=files))
    assert said in one_message(result)
    assert list(workspace.iterdir()) == []
    assert not (files / "home" / "mlflow.db").exists()


def test_the_models_of_no_workspace(files: Path) -> None:
    assert "there is no such folder" in one_message(call("models", "--workspace", str(files / "nowhere")))
    assert "there is no such folder" in one_message(
        call("promote", "--workspace", str(files / "nowhere"), "--model", "run:latest")
    )
    assert "has no model; each finished run makes one" in one_message(
        call("models", "--workspace", str(files / "empty"))
    )
