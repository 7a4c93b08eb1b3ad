"""Secrets planted in the environment of whole runs: no file, log, artifact or command line may show one."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from maskfold.storage import open_workspace
from maskfold.tracking.record import RunRecord, new_id, now
from tests.servers.mlflow import MlflowServer
from tests.servers.ports import free_ports

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]

PLANTED = {
    name: f"pl4nted{number}-{name.lower().replace('_', '')}"
    for number, name in enumerate(
        ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MLFLOW", "PREFECT_API_AUTH_STRING", "POSTGRES", "HTTP_PROXY")
    )
}
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_AUTH_STRING")


@dataclass
class Watched:
    """A `maskfold` command that was run to its end, all its processes watched."""

    code: int
    printed: str
    command_lines: set[str] = field(default_factory=set)
    passwords: set[str] = field(default_factory=set)
    """Those that the command gave its own servers."""


def maskfold(folder: Path, *arguments: str, module: str = "maskfold", **more: str) -> Watched:
    left_out = {"PREFECT_HOME", "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "NO_PROXY", "no_proxy"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {name: PLANTED[name] for name in SECRETS} | {
        "AWS_ACCESS_KEY_ID": "maskfold:maskfold",
        "HTTP_PROXY": f"http://proxy:{PLANTED['HTTP_PROXY']}@127.0.0.1:9",
        "http_proxy": f"http://proxy:{PLANTED['HTTP_PROXY']}@127.0.0.1:9",
        "MASKFOLD_HOME": str(folder / "home"),
        "MASKFOLD_S3_PATIENCE": "2",
        "TMPDIR": str(folder / "tmp"),
    }
    (folder / "tmp").mkdir(exist_ok=True)
    with (folder / "printed").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment | more,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        watched = Watched(0, "")
        while process.poll() is None:
            for one in _family(process.pid):
                _look(one, watched)
            time.sleep(0.3)
        output.seek(0)
        watched.code, watched.printed = process.returncode, output.read()
    return watched


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _look(process: psutil.Process, watched: Watched) -> None:
    try:
        watched.command_lines.add(" ".join(process.cmdline()))
        given = process.environ().get("PREFECT_SERVER_API_AUTH_STRING", "")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    watched.passwords |= {given.partition(":")[2]} - {""}


def shows(folder: Path, watched: Watched) -> list[str]:
    """Return where a planted secret, or a password of an own server, can be read."""
    secrets = [secret.encode() for secret in (*PLANTED.values(), *watched.passwords)]
    texts = {"command line": "\n".join(watched.command_lines).encode(), "output": watched.printed.encode()}
    texts |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [name for name, text in texts.items() if any(secret in text for secret in secrets)]


@pytest.mark.slow
def test_a_whole_run_shows_none(drawn_data: Path, tmp_path: Path, mlflow_server: MlflowServer) -> None:
    """The second run reaches no MLflow: its warnings, too, are searched."""
    arguments = ("run", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", str(tmp_path / "workspace"))
    uri = f"http://maskfold:{PLANTED['MLFLOW']}@127.0.0.1:{mlflow_server.port}"
    run = maskfold(tmp_path, *arguments, "--verbose", MLFLOW_TRACKING_URI=uri)
    assert run.code == 0, run.printed
    assert '"mlflow_run_id": ""' not in run.printed
    assert run.passwords
    assert any("forkserver" in line for line in run.command_lines)  # the jobs have been looked at
    assert any("maskfold.servers.gate" in line for line in run.command_lines)
    assert (tmp_path / "home" / "prefect" / "prefect.db").stat().st_size > 0
    assert not shows(tmp_path, run)
    assert not shows(mlflow_server.folder, run)
    (port,) = free_ports(1)
    uri = f"postgresql+psycopg2://maskfold:{PLANTED['POSTGRES']}@127.0.0.1:{port}/mlflow"
    again = maskfold(tmp_path, *arguments, "--verbose", MLFLOW_TRACKING_URI=uri)
    assert again.code == 0, again.printed
    assert "MLflow at postgresql+psycopg2://127.0.0.1" in again.printed
    assert not shows(tmp_path, again)


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that answers with the headers it was sent, as some gateways do; on paths with ``/api/`` in JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = "".join(f"{name}: {value} " for name, value in self.headers.items())
            body = f"<Error><Code>Odd</Code><Message>{sent}</Message></Error>".encode()
            if "/api/" in self.path:
                body = json.dumps({"error_code": "ODD", "message": sent, "detail": dict(self.headers)}).encode()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(400)
            self.send_header("Content-Type", "application/json" if "/api/" in self.path else "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_PUT = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--verbose",)])
def test_an_error_of_s3_with_our_headers_is_not_passed_on(tmp_path: Path, echo: str, more: tuple[str, ...]) -> None:
    arguments = ("run", "--data", "s3://photos/a", "--workspace", str(tmp_path / "workspace"), *more)
    done = maskfold(tmp_path, *arguments, AWS_ENDPOINT_URL=echo, AWS_DEFAULT_REGION="us-east-1")
    assert done.code != 0
    assert "s3://photos/a" in done.printed
    assert not shows(tmp_path, done)
    assert "Signature=" not in done.printed


ENCODED = [
    base64.b64encode(login.encode()).decode()
    for login in (f"anna:{PLANTED['MLFLOW']}", f"anna:{PLANTED['PREFECT_API_AUTH_STRING']}")
]
"""The same secrets as a header has them."""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["maskfold", "flows.register"])
def test_an_error_of_prefect_with_our_headers_is_not_passed_on(
    drawn_data: Path, tmp_path: Path, echo: str, module: str
) -> None:
    arguments = ("run", "--verbose", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", "workspace")
    done = maskfold(
        tmp_path,
        *(arguments if module == "maskfold" else ("docker",)),
        module=module,
        PREFECT_API_URL=echo.replace("://", f"://anna:{PLANTED['MLFLOW']}@") + "/api",
        PREFECT_API_AUTH_STRING=f"anna:{PLANTED['PREFECT_API_AUTH_STRING']}",
    )
    assert done.code == 2
    assert "no Prefect server answers there" in done.printed
    assert not shows(tmp_path, done)
    assert not any(login in done.printed for login in ENCODED)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["http", "postgresql+psycopg2"])
def test_what_mlflow_says_of_our_login_is_not_passed_on(tmp_path: Path, echo: str, kind: str) -> None:
    workspace = open_workspace(str(tmp_path / "workspace"))
    record = RunRecord(
        id=new_id(), name="a", experiment="maskfold", data="d", recipe="name: smoke", classes=("one",), tags={},
        host="h", started=now(), alive=now(), status="FINISHED", ended=now(),
    )  # fmt: skip
    record.save(workspace)
    uri = echo.replace("http://", f"{kind}://anna:{PLANTED['POSTGRES' if kind != 'http' else 'MLFLOW']}@")
    done = maskfold(tmp_path, "sync", "--workspace", str(tmp_path / "workspace"), MLFLOW_TRACKING_URI=uri)
    assert done.code == 1, done.printed
    assert "MLflow does not take records now" in done.printed
    assert not shows(tmp_path, done)
    assert not any(login in done.printed for login in ENCODED)


@pytest.mark.slow
def test_a_database_of_prefect_that_does_not_answer_is_not_shown(drawn_data: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    uri = f"postgresql+asyncpg://anna:{PLANTED['POSTGRES']}@127.0.0.1:{port}/prefect"
    arguments = ("run", "--verbose", "--recipe", "smoke", "--data", str(drawn_data), "--workspace", "workspace")
    done = maskfold(tmp_path, *arguments, PREFECT_SERVER_DATABASE_CONNECTION_URL=uri)
    assert done.code == 1
    assert "the Prefect server ended" in done.printed
    assert "Fatal Python error" not in done.printed
    assert not shows(tmp_path, done)
