"""The two user interfaces, started as `make ui` starts them, and who can use them."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from maskfold.loopback import PAGES, between_pages
from maskfold.servers.gate import OPEN
from maskfold.servers.local import prefect_server
from tests.servers.ports import free_ports, listens

pytestmark = pytest.mark.servers

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


STAYING = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


@dataclass
class Ui:
    """`maskfold ui` in a process of its own."""

    folder: Path
    process: subprocess.Popen[str] = field(init=False)
    printed: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.prefect, self.mlflow = free_ports(2)
        left_out = {"PREFECT_HOME", "PREFECT_API_URL", "MLFLOW_TRACKING_URI"}
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        # A proxy that does not answer: loopback must not go through it.
        environment |= {"MASKFOLD_HOME": str(self.folder / "maskfold"), "HTTP_PROXY": "http://127.0.0.1:9"}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "maskfold", "ui"),
                *("--prefect-port", str(self.prefect), "--mlflow-port", str(self.mlflow)),
            ],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in range(2)]
        self.printed = {line.split()[0]: line.split()[-1] for line in lines}

    def servers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def credentials(self) -> dict[str, str]:
        """Those that the printed addresses hold."""
        mlflow = urlsplit(self.printed["MLflow"])
        prefect = unquote(urlsplit(self.printed["Prefect"]).fragment)
        return {"Prefect": prefect, "MLflow": f"{mlflow.username}:{mlflow.password}"}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    started = Ui(tmp_path_factory.mktemp("ui"))
    yield started
    started.close()


def ask(url: str, credentials: str = "", body: object = None, method: str | None = None, **headers: str) -> int:
    """Return the status of an answer."""
    if credentials:
        headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Accept": "text/html", **headers}
    request = urllib.request.Request(url, data, sent, method=method)
    try:
        with DIRECT.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.slow
def test_both_pages_open(ui: Ui) -> None:
    assert ui.printed["Prefect"].startswith(f"http://127.0.0.1:{ui.prefect}{OPEN}#maskfold")
    with DIRECT.open(ui.printed["Prefect"], timeout=10) as reply:
        page = reply.read().decode()
    assert 'localStorage.setItem("prefect-password"' in page
    assert 'location.replace("/runs")' in page
    assert ui.credentials["Prefect"].partition(":")[2] not in page
    with DIRECT.open(f"http://127.0.0.1:{ui.prefect}/ui-settings", timeout=10) as reply:
        settings = json.loads(reply.read())
    assert (settings["api_url"], settings["auth"]) == ("/api", "BASIC")
    opened = urllib.request.Request(f"http://127.0.0.1:{ui.mlflow}{OPEN}")
    opened.add_header("Authorization", f"Basic {base64.b64encode(ui.credentials['MLflow'].encode()).decode()}")
    with DIRECT.open(opened, timeout=10) as reply:
        page = reply.read().decode()
    # Without the credentials, with which MLflow's pages could not make relative requests.
    assert re.search(rf'location.replace\("http://127.0.0.1:{ui.mlflow}/#/experiments/\d+/runs\?workflowType=', page)
    for path in ("/api/flow_runs/count", "/api/work_pools/filter"):
        assert ask(f"http://127.0.0.1:{ui.prefect}{path}", ui.credentials["Prefect"], {}) == 200


@pytest.mark.slow
def test_links_between_the_pages_follow_their_ports(ui: Ui) -> None:
    run, page = "/flow-runs/flow-run/1", "/#/experiments/1/runs/2"
    for address, port, there, leads_to in (
        (f"{PAGES['prefect']}{run}", ui.mlflow, ui.prefect, run),
        (f"{PAGES['mlflow']}{page}", ui.prefect, ui.mlflow, "/"),  # what follows # stays with the browser
    ):
        with pytest.raises(urllib.error.HTTPError) as answer:
            STAYING.open(f"http://127.0.0.1:{port}{between_pages(address)}", timeout=10)
        with answer.value as moved:
            assert (moved.code, moved.headers["location"]) == (302, f"http://127.0.0.1:{there}{leads_to}")
    assert between_pages("https://mlflow.example/#/x") == "https://mlflow.example/#/x"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/block_documents/filter", "/api/flow_runs/filter", "/api/deployments/filter"])
def test_prefect_answers_only_its_user(ui: Ui, path: str) -> None:
    url = f"http://127.0.0.1:{ui.prefect}{path}"
    assert ask(url, body={}) == 401
    assert ask(url, "maskfold:guess", {}) == 401
    known = ui.credentials["Prefect"]
    assert ask(url, known, {}) == 200
    for headers in ({"Host": "attacker.example"}, {"Host": f"attacker.example:{ui.prefect}"}, {"Host": "127.0.0.1"}):
        assert ask(url, known, {}, **headers) == 403
    for origin in ("http://attacker.example", "null", f"http://127.0.0.1:{ui.mlflow}", "http://localhost"):
        assert ask(url, known, {}, Origin=origin) == 403
    assert ask(url, known, {}, Origin=f"http://localhost:{ui.prefect}") == 200


@pytest.mark.slow
def test_mlflow_answers_only_its_user_and_takes_no_files(ui: Ui) -> None:
    home = f"http://127.0.0.1:{ui.mlflow}"
    known = ui.credentials["MLflow"]
    for path in ("/", "/api/2.0/mlflow/experiments/search?max_results=1", "/ajax-api/3.0/mlflow/server-info"):
        assert ask(home + path) == 401
        assert ask(home + path, known) != 401
        assert ask(home + path, known, Host="attacker.example") == 403
        assert ask(home + path, known, Origin="http://attacker.example") == 403
    upload = f"{home}/api/2.0/mlflow-artifacts/artifacts/planted.txt"
    assert ask(upload, body="x", method="PUT") == 401
    assert ask(upload, known, body="x", method="PUT") >= 400
    assert not [*ui.folder.rglob("planted.txt")]
    for version in ("api/2.0", "ajax-api/2.0", "api/3.0", "ajax-api/3.0"):
        create = f"{home}/{version}/mlflow/experiments/create"
        for place in ("file:///etc", "/etc", str(ui.folder)):
            for name in ("artifact_location", "artifactLocation"):
                assert ask(create, known, {"name": "x", name: place}) in (403, 404)
    assert ask(f"{home}/api/2.0/mlflow/experiments/create", known, {"name": "mine"}) == 200


@pytest.mark.slow
def test_what_they_store_is_private_and_no_command_line_shows_a_password(ui: Ui) -> None:
    for path in ("maskfold", "maskfold/prefect", "maskfold/mlartifacts"):
        assert (ui.folder / path).stat().st_mode & 0o777 == 0o700, path
    for path in ("maskfold/mlflow.db", "maskfold/prefect/prefect.db"):
        assert (ui.folder / path).stat().st_mode & 0o777 == 0o600, path
    assert [path.name for path in ui.folder.iterdir()] == ["maskfold"]  # nothing in the current folder
    lines = " ".join(part for server in ui.servers() for part in server.cmdline())
    assert "maskfold.servers.gate" in lines
    for credentials in ui.credentials.values():
        assert credentials.partition(":")[2] not in lines


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_stops_both(signum: signal.Signals, tmp_path: Path) -> None:
    started = Ui(tmp_path)
    try:
        servers = started.servers()
        assert servers
        started.process.send_signal(signum)
        assert started.process.wait(timeout=40) == (-signum if signum == signal.SIGKILL else 0)
        assert not psutil.wait_procs(servers, timeout=30)[1]
    finally:
        started.close()


@pytest.mark.slow
def test_the_embedded_server_of_a_run_has_no_pages_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    # Meant for a server of the user's own: this one starts all the same.
    monkeypatch.setenv("PREFECT_SERVER_API_BASE_PATH", "/v2")
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_MIGRATE_ON_START", "false")
    with prefect_server() as server:
        assert ask(f"{server.address}/api/flows/count", body={}) == 401
        assert ask(f"{server.address}/api/flows/count", server.credentials, {}) == 200
        assert ask(f"{server.address}/api/flows/count", server.credentials, {}, Host="attacker.example") == 403
        assert os.getpgid(server.process.pid) == server.process.pid != os.getpgid(0)
    assert server.process.poll() is not None
    assert not listens(server.port)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]) as other:
        try:
            deadline = time.monotonic() + 20
            while not listens(port):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            done = subprocess.run(
                [sys.executable, "-m", "maskfold", "ui", "--prefect-port", str(port)],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            other.kill()
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr
