"""The registered model, as MLflow's users load and serve it."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskfold import champions
from maskfold.errors import CorruptDataError, InputError
from maskfold.inference.answers import answer_table, columns
from maskfold.inference.predictor import Predictor
from maskfold.inference.pyfunc import PhotographFunction, photographs
from maskfold.tracking import RunTracker
from tests.inference.trained import Trained
from tests.servers.mlflow import MlflowServer
from tests.servers.ports import free_ports

pytestmark = pytest.mark.slow
MODEL = "models:/maskfold-little@champion"


@pytest.fixture(scope="module")
def images(trained: Trained) -> list[bytes]:
    """Three photographs, and one that cannot be read."""
    found = sorted((trained.data / "eval" / "images").iterdir())
    return [*(path.read_bytes() for path in found[2:5]), found[0].read_bytes()]


@pytest.fixture(scope="module")
def expected(images: list[bytes], predictor: Predictor) -> pd.DataFrame:
    """What the package itself answers."""
    return answer_table(["0", "1", "2", "3"], predictor.predict(images), predictor.model.scheme)


@pytest.fixture(scope="module")
def registered(
    trained: Trained, mlflow_server: MlflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MlflowServer]:
    """A server on which the run of the trained ensemble has registered its model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKFOLD_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        tracker = RunTracker.start(trained.workspace, trained.plan.recipe, str(trained.data), {})
        tracker.done(trained.asked)
        champions.crown_first(trained.workspace, trained.asked, trained.exported)
        tracker.finish()
        yield mlflow_server


def load(model: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own import
        import mlflow

        return mlflow.pyfunc.load_model(model)


def differs(found: pd.DataFrame, expected: pd.DataFrame) -> float:
    names = [name for name in expected if name.startswith("p") and name[1:].isdecimal()]
    assert found["class"].tolist() == expected["class"].tolist()
    return float(np.abs(found[names].to_numpy() - expected[names].to_numpy()).max())


def test_the_registered_champion_answers_as_the_package(
    registered: MlflowServer, images: list[bytes], expected: pd.DataFrame, predictor: Predictor
) -> None:
    loaded = load(MODEL)
    found = loaded.predict(images)
    assert differs(found, expected) < 1e-6
    assert [column["name"] for column in loaded.metadata.signature.outputs.to_dict()] == list(found.columns)
    assert list(found.columns) == columns(predictor.model.scheme)
    assert [column["type"] for column in loaded.metadata.signature.inputs.to_dict()] == ["binary"]
    assert found.loc[3, "face_status"] == "unreadable"
    assert "NaN" not in found.to_json()
    pixels = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB")) for one in images[:3]]
    for same in (np.stack(pixels), pd.DataFrame({"image": pixels}), pd.DataFrame({"image": images[:3]})):
        assert differs(loaded.predict(same), expected[:3]) < 1e-6
    example = loaded.predict(loaded.input_example)
    assert example["face_status"].tolist() == ["fallback"] * 2


def test_the_artifacts_hold_data_alone(registered: MlflowServer) -> None:
    models = list((registered.folder / "artifacts").rglob("MLmodel"))
    assert models
    for model in models:
        kinds = {path.suffix for path in model.parent.rglob("*") if path.is_file()}
        assert kinds <= {"", ".json", ".txt", ".yaml", ".md", ".safetensors"}
        names = {path.name for path in model.parent.rglob("*") if not path.suffix and path.is_file()}
        assert names <= {"MLmodel", "SHA256SUMS"}


def test_a_changed_file_is_refused_when_it_is_loaded(trained: Trained, tmp_path: Path) -> None:
    from maskfold.inference.pyfunc import _load_pyfunc

    folder = tmp_path / "package"
    shutil.copytree(trained.package, folder)
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptDataError):
        _load_pyfunc(str(folder))


@pytest.mark.timeout(900)
def test_mlflow_serves_the_champion(
    registered: MlflowServer, images: list[bytes], expected: pd.DataFrame, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    uri = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", MODEL, "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    # MLflow starts uvicorn by name.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(uri, server, tmp_path / "log")
        answer = ask(uri, {"inputs": [base64.b64encode(one).decode() for one in images]})
        table = pd.DataFrame(answer["predictions"])
        assert differs(table, expected) < 1e-6
        assert table["problem"].tolist()[:3] == [""] * 3
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(uri, {"inputs": ["not base64!"]})
        assert refused.value.code == 400
        refused.value.close()
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its session has no other processes
        server.wait()


def wait_for(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 800  # it loads torch in a second process, perhaps on a busy machine
    while True:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=10):
                return
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)


def ask(uri: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{uri}/invocations", json.dumps(body, allow_nan=False).encode(), {"Content-Type": "application/json"}
    )

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read(), parse_constant=refuse)


def test_all_forms_of_a_photograph_are_the_same_file(images: list[bytes]) -> None:
    one = images[0]
    text = base64.b64encode(one).decode()
    wrapped = base64.encodebytes(one).decode()
    for given in (one, bytearray(one), text, wrapped, [one], (text,), np.array([one], dtype=object)):
        assert photographs(given) == [one]
    for given in (pd.Series([one, text]), {"image": [one, text]}, pd.DataFrame({"image": [one, text], "x": 1})):
        assert photographs(given) == [one, one]
    assert photographs([{"image": text}]) == [one]
    assert photographs(pd.DataFrame({"bytes": [one]})) == [one]
    assert photographs([]) == []


@pytest.mark.parametrize("kind", [np.uint8, np.int64, "list"])
def test_pixels_stay_what_they_are(kind: Any) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(2, 21, 34, 3))
    given = pixels.tolist() if kind == "list" else pixels.astype(kind)
    for file, wanted in zip(photographs(given), pixels, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), wanted)
    assert len(photographs(pixels[0].astype(np.uint8))) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "int: expected"),
        (None, "NoneType: expected"),
        ([b"", 3], "photograph 1: it is of the type int"),
        ("not base64!", "photograph 0: Only base64"),
        (np.zeros((4, 4)), r"photograph 0: it is an array of the shape \(4,\)"),
        (np.zeros((2, 4, 4, 4), np.uint8), r"photograph 0: it is an array of the shape \(4, 4, 4\)"),
        (np.zeros((2, 4, 4, 3)), "photograph 0: it is an array of float64"),
        (np.full((2, 4, 4, 3), 256), "not of numbers from 0 to 255"),
        (np.zeros((1, 0, 4, 3), np.uint8), r"of the shape \(0, 4, 3\)"),
        ([[[1, 2], [3]]], "photograph 0"),
        (pd.DataFrame({"a": [1], "b": [2]}), r"a data frame with the columns \['a', 'b'\]"),
        ({"x": 1}, r"a dictionary with \['x'\]"),
    ],
    ids=str,
)
def test_what_is_no_photograph_is_named(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        photographs(given)


def test_many_photographs_are_numbered_through(predictor: Predictor, images: list[bytes]) -> None:
    table = PhotographFunction(predictor).predict([images[3]] * 130)
    assert table["image"].tolist() == [str(number) for number in range(130)]
