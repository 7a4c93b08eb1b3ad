"""The compose stack: which settings it rejects, and that the services of `make stack` are up and healthy."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.docker.stack import BUCKET, HARDENED, IMAGES, PASSWORDS, PROJECT, ROOT, Stack, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

FILE = ROOT / "docker" / "compose.yaml"


def compose(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Compose with nothing but these settings."""
    command = ["docker", "compose", "--file", str(FILE), "--env-file", "/dev/null", *arguments]
    environment = {name: os.environ[name] for name in ("PATH", "HOME")} | settings
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def resolved(**settings: str) -> dict[str, dict]:
    done = compose("--profile", "gpu", "config", **{**PASSWORDS, **settings})
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_the_settings_of_a_first_start_make_a_valid_stack(engine: None, tmp_path: Path) -> None:
    run([sys.executable, str(ROOT / "docker" / "make_settings.py"), str(tmp_path / "settings")])
    command = ["docker", "compose", "--file", str(FILE), "--env-file", str(tmp_path / "settings")]
    run([*command, "--profile", "gpu", "--profile", "images", "--profile", "images-gpu", "config", "--quiet"])


def test_without_settings_it_says_what_to_do(engine: None) -> None:
    done = compose("config")
    assert done.returncode != 0
    assert "run python3 docker/make_settings.py docker/.env" in done.stderr


def test_ports_are_on_loopback_unless_asked(engine: None) -> None:
    def addresses(**settings: str) -> set[str]:
        return {port["host_ip"] for service in resolved(**settings).values() for port in service.get("ports", [])}

    assert addresses() == {"127.0.0.1"}
    assert addresses(BIND="10.0.0.5") == {"10.0.0.5"}


def test_other_machines_get_addresses_that_they_can_reach(engine: None) -> None:
    services = resolved(ADVERTISE="gpu-box", MLFLOW_PORT="5055")
    assert services["worker"]["environment"]["PREFECT_API_URL"] == "http://gpu-box:4200/api"
    assert services["register"]["environment"]["MLFLOW_TRACKING_URI"] == "http://gpu-box:5055"
    assert services["register"]["environment"]["AWS_ENDPOINT_URL_S3"] == "http://gpu-box:8080"
    command = services["mlflow"]["command"]
    assert any(part.startswith("--allowed-hosts") and "gpu-box:5055" in part for part in command)
    assert any(part.startswith("--cors-allowed-origins") and "http://gpu-box:5055" in part for part in command)


def test_a_gateway_has_the_names_that_workers_and_jobs_use(engine: None) -> None:
    done = compose("--profile", "gateway", "config", **PASSWORDS, GATEWAY="first-host")
    services = yaml.safe_load(done.stdout)["services"]
    gateway, given = services["gateway"], services["register"]["environment"]
    addresses = [
        services["worker"]["environment"]["PREFECT_API_URL"],
        given["MLFLOW_TRACKING_URI"],
        given["AWS_ENDPOINT_URL_S3"],
    ]
    used = {(address.hostname, address.port) for address in map(urlsplit, addresses)}
    assert {name for name, _ in used} == set(gateway["networks"]["default"]["aliases"])
    assert {str(port) for _, port in used} == {pair.partition("=")[0] for pair in gateway["command"][3:]}
    assert gateway["environment"]["TLS_NAME"] == "first-host"
    assert "ports" not in gateway


def test_a_shells_own_server_does_not_reach_into_the_stack(engine: None) -> None:
    services = resolved(PREFECT_API_URL="http://localhost:4200/api")
    assert services["worker"]["environment"]["PREFECT_API_URL"] == "http://prefect:4200/api"


def test_another_s3_service_takes_the_place_of_the_store(engine: None) -> None:
    services = resolved(S3_ENDPOINT="https://s3.example.org", S3_ACCESS_KEY="key", S3_SECRET_KEY="hidden")
    for name in ("register", "mlflow"):
        environment = services[name]["environment"]
        assert environment["AWS_ENDPOINT_URL_S3"] == "https://s3.example.org"
        assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == ("key", "hidden")


def test_nothing_starts_before_the_settings_are_checked(engine: None) -> None:
    services = resolved()

    def waits_for(name: str) -> set[str]:
        before = set(services[name].get("depends_on", {}))
        return before.union(*(waits_for(one) for one in before))

    for name in services:
        assert name == "settings" or "settings" in waits_for(name), name
    for name in ("postgres", "store"):
        assert services[name]["depends_on"]["settings"]["condition"] == "service_completed_successfully"


def test_everything_is_well(stack: Stack) -> None:
    services = stack.services()
    watched = {"postgres", "store", "prefect", "mlflow", "conductor", "worker", "tls"}
    assert {name: services[name]["Health"] for name in watched} == dict.fromkeys(watched, "healthy")
    assert {name: services[name]["ExitCode"] for name in ("settings", "register")} == {"settings": 0, "register": 0}
    assert services["sweeper"]["State"] == "running"


def test_its_containers_cannot_write_their_root(stack: Stack) -> None:
    for service in ("store", "prefect", "mlflow", "conductor", "worker", "sweeper"):
        look = "import os; print(os.getuid(), os.access('/', os.W_OK))"
        assert stack.compose("exec", "--no-TTY", service, "python", "-c", look).strip() == "1000 False", service


def test_people_see_both_pages(stack: Stack) -> None:
    for page in (stack.prefect_url.removesuffix("/api"), logged_in(stack.mlflow_url)):
        with urllib.request.urlopen(page, timeout=30) as answer:
            assert answer.status == 200
            assert b"<html" in answer.read().lower()


def logged_in(url: str, body: bytes | None = None, **headers: str) -> urllib.request.Request:
    """Return a request to MLflow with its password."""
    credentials = base64.b64encode(f"maskfold:{PASSWORDS['MLFLOW_PASSWORD']}".encode()).decode()
    sent = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}", **headers}
    return urllib.request.Request(url, body, sent)


def refused(request: str | urllib.request.Request, context: ssl.SSLContext | None = None) -> int:
    """Return the HTTP status of a failed request."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30, context=context)
    with caught.value as answer:
        return answer.code


def test_prefect_asks_for_the_password(stack: Stack) -> None:
    assert refused(f"{stack.prefect_url}/deployments/name/train/docker") == 401


def test_mlflow_asks_for_the_password(stack: Stack) -> None:
    body = b'{"max_results": 1}'
    sent = {"Content-Type": "application/json"}
    for path in ("/api/2.0/mlflow/experiments/search", "/ajax-api/2.0/mlflow/experiments/search"):
        assert refused(urllib.request.Request(stack.mlflow_url + path, body, sent)) == 401
    assert refused(f"{stack.mlflow_url}/api/2.0/mlflow-artifacts/artifacts?path=") == 401


def test_mlflow_answers_only_to_its_own_names(stack: Stack) -> None:
    url = f"{stack.mlflow_url}/api/2.0/mlflow/experiments/search"
    body = b'{"max_results": 1}'
    assert refused(logged_in(url, body, Host="attacker.example")) == 403
    assert refused(logged_in(url, body, Origin="http://attacker.example")) == 403
    with urllib.request.urlopen(logged_in(url, body, Origin=stack.mlflow_url)) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def trusted(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The self-signed certificate that the proxy has made."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_text(stack.compose("exec", "--no-TTY", "tls", "cat", "/data/localhost.pem"), encoding="utf-8")
    return file


def test_both_pages_come_over_https(stack: Stack, trusted: Path) -> None:
    """A person logs in over TLS; the certificate is for this name, and the pages' own requests pass their checks."""
    context = ssl.create_default_context(cafile=str(trusted))
    mlflow = f"https://localhost:{stack.ports['MLFLOW_TLS_PORT']}"
    prefect = f"https://localhost:{stack.ports['PREFECT_TLS_PORT']}"
    for page in (prefect, logged_in(mlflow)):
        with urllib.request.urlopen(page, timeout=30, context=context) as answer:
            assert b"<html" in answer.read().lower()
    search, body = f"{mlflow}/ajax-api/2.0/mlflow/experiments/search", b'{"max_results": 1}'
    with urllib.request.urlopen(logged_in(search, body, Origin=mlflow), timeout=30, context=context) as answer:
        assert answer.status == 200
    assert refused(logged_in(search, body, Origin="https://attacker.example"), context) == 403
    assert refused(f"{prefect}/api/deployments/name/train/docker", context) == 401
    for name in ("PREFECT_TLS_PORT", "MLFLOW_TLS_PORT", "STORE_TLS_PORT"):
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"https://localhost:{stack.ports[name]}", timeout=30)


def test_who_forgets_https_is_sent_there(stack: Stack) -> None:
    connection = http.client.HTTPConnection("localhost", stack.ports["PREFECT_TLS_PORT"], timeout=30)
    connection.request("GET", "/runs?page=2")
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 307
    assert answer.headers["Location"] == f"https://localhost:{stack.ports['PREFECT_TLS_PORT']}/runs?page=2"


def test_websockets_pass_the_proxy(stack: Stack, trusted: Path) -> None:
    """As a browser follows a run; Prefect takes the password as the first message."""
    url = f"wss://localhost:{stack.ports['PREFECT_TLS_PORT']}/api/events/out"
    context = ssl.create_default_context(cafile=str(trusted))
    with connect(url, ssl=context, subprotocols=[Subprotocol("prefect")]) as socket:
        socket.send(json.dumps({"type": "auth", "token": f"maskfold:{PASSWORDS['PREFECT_PASSWORD']}"}))
        assert json.loads(socket.recv(timeout=30))["type"] == "auth_success"
    with connect(url, ssl=context, subprotocols=[Subprotocol("prefect")]) as socket:
        socket.send(json.dumps({"type": "auth", "token": "maskfold:guess"}))
        with pytest.raises(ConnectionClosedError, match="1008"):
            socket.recv(timeout=30)


def test_s3_passes_the_proxy(stack: Stack, trusted: Path) -> None:
    """Signed requests, more than nginx accepts by default."""
    s3, content = stack.s3(f"https://localhost:{stack.ports['STORE_TLS_PORT']}", str(trusted)), os.urandom(3 << 20)
    s3.put_object(Bucket=BUCKET, Key="tls/a key+with ü", Body=content)
    assert s3.get_object(Bucket=BUCKET, Key="tls/a key+with ü")["Body"].read() == content


def test_a_gateway_of_another_host_checks_the_certificate(stack: Stack, images: dict[str, str], trusted: Path) -> None:
    """Its containers send http to the gateway; only https leaves it, to a proxy that has the trusted certificate."""
    ports = stack.ports
    ways = [f"{ports[f'{server}_PORT']}={ports[f'{server}_TLS_PORT']}" for server in ("PREFECT", "MLFLOW", "STORE")]
    look = """
import boto3, os, sys, urllib.request
for address in sys.argv[1:3]:
    print(urllib.request.urlopen(address, timeout=20).status)
s3 = boto3.client("s3", endpoint_url=sys.argv[3], region_name="us-east-1")
s3.put_object(Bucket="maskfold", Key="tls/gateway", Body=bytes(3 << 20))
print(len(s3.get_object(Bucket="maskfold", Key="tls/gateway")["Body"].read()))
"""
    addresses = [
        f"http://127.0.0.1:{ports[name]}{path}"
        for name, path in (("PREFECT_PORT", "/api/health"), ("MLFLOW_PORT", "/health"), ("STORE_PORT", ""))
    ]
    keys = [f"{name}={stack.client_environment[name]}" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    for certificate, passes in ((str(trusted), True), ("/dev/null", False)):
        mounted = ["--volume", f"{certificate}:/run/secrets/gateway_certificate:ro"]
        command = ["--env", "TLS_NAME=tls", *mounted, images["tls"], "python3", "/opt/tls/serve.py", "--to", *ways]
        gateway = run(["docker", "run", "--detach", "--network", PROJECT, *HARDENED, *command]).strip()
        try:
            beside = ["--network", f"container:{gateway}", *(part for key in keys for part in ("--env", key))]
            inside = ["docker", "run", "--rm", *beside, images["flow"], "python", "-c", look, *addresses]
            done = subprocess.run(inside, capture_output=True, text=True, check=False)
            logs = subprocess.run(["docker", "logs", gateway], capture_output=True, text=True, check=False).stderr
        finally:
            run(["docker", "rm", "--force", gateway])
        if passes:
            assert done.stdout.split() == ["200", "200", str(3 << 20)], done.stderr + logs
        else:
            assert "502" in done.stderr
            assert "certificate verify" in logs


def test_links_lead_to_addresses_that_browsers_reach(stack: Stack) -> None:
    with stack.prefect() as client:
        template = client.read_work_pool("docker").base_job_template
    given = template["variables"]["properties"]["env"]["default"]
    assert given["MASKFOLD_MLFLOW_PAGE"] == f"https://localhost:{stack.ports['MLFLOW_TLS_PORT']}"
    environment = resolved()["worker"]["environment"]
    assert environment["PREFECT_UI_URL"] == "http://localhost:4200"
    assert resolved(ADVERTISE="box")["register"]["environment"]["MASKFOLD_MLFLOW_PAGE"] == "http://box:5000"


def test_no_secret_is_readable_on_the_server(stack: Stack) -> None:
    """Deployments and pools refer to secret blocks; the server gives those out encrypted or not at all."""
    with stack.prefect() as client:
        pools = [pool.model_dump_json() for pool in client.read_work_pools()]
        deployments = [deployment.model_dump_json() for deployment in client.read_deployments()]
    text = "\n".join(pools + deployments)
    assert "prefect.blocks.secret.maskfold-aws-secret-access-key" in text
    assert PASSWORDS["STORE_PASSWORD"] not in text
    dump = stack.compose(
        "exec", "--no-TTY", "postgres", "psql", "--username", "maskfold", "prefect", "--command", "table block_document"
    )
    assert "maskfold-aws-secret-access-key" in dump
    assert PASSWORDS["STORE_PASSWORD"] not in dump


def test_the_databases_hold_any_text(stack: Stack) -> None:
    """In another encoding Prefect would lose every event whose texts are not all ASCII."""
    listed = stack.compose(
        "exec", "--no-TTY", "postgres", "psql", "--username", "maskfold", "prefect", "--tuples-only", "--command",
        "SELECT datname, pg_encoding_to_char(encoding) FROM pg_database",
    )  # fmt: skip
    found = {name: encoding for name, _, encoding in (line.split() for line in listed.splitlines() if line.strip())}
    assert {found["prefect"], found["mlflow"]} == {"UTF8"}
    assert "conversion between" not in stack.compose("logs", "postgres")


def test_the_bucket_is_there(stack: Stack) -> None:
    assert BUCKET in [bucket["Name"] for bucket in stack.s3().list_buckets()["Buckets"]]


def test_making_it_again_changes_nothing(stack: Stack) -> None:
    kept = ("postgres", "store", "prefect", "mlflow", "conductor")
    before = {name: stack.services()[name]["ID"] for name in kept}
    stack.make("stack")
    stack.two_workers()
    assert {name: stack.services()[name]["ID"] for name in kept} == before


def test_old_containers_are_swept_and_no_others(stack: Stack) -> None:
    label, name = f"{PROJECT}-swept", f"{PROJECT}-ended"

    def left(*more: str) -> int:
        return len(run(["docker", "ps", "--all", "--quiet", "--filter", f"name={name}", *more]).split())

    def sweep(hours: int) -> int:
        script = (
            "import datetime, docker, sweep;"
            f"print(sweep.sweep(docker.from_env(), '{label}', datetime.timedelta(hours={hours})))"
        )
        return int(stack.compose("exec", "--no-TTY", "--workdir", "/", "sweeper", "python", "-c", script))

    options = ["--label", label, f"{IMAGES}maskfold-store"]
    run(["docker", "run", "--detach", "--name", name, *options, "true"])
    run(["docker", "create", "--name", f"{name}-never-started", *options, "true"])
    run(["docker", "run", "--detach", "--name", f"{name}-not", *options, "sleep", "300"])
    stack.wait(lambda: left("--filter", "status=exited"), "the end of a container")
    assert sweep(hours=1) == 0
    assert left() == 3
    assert sweep(hours=0) == 2
    assert left("--filter", "status=running") == left() == 1
    run(["docker", "rm", "--force", f"{name}-not"])


def test_the_jobs_cache_stays_below_its_size(stack: Stack) -> None:
    """The sweeper sees the same volume as the jobs, may delete there, and spares what is in use."""
    script = """
import os, pathlib, time
from maskfold.storage.cache import cache_folder
from maskfold.storage.pruning import prune
for name, days in (("tests-old", 2), ("tests-new", 0)):
    copy = cache_folder() / "trees" / name
    copy.mkdir(parents=True)
    (copy / "file").write_bytes(b"x" * 100_000)
    os.utime(copy, (time.time() - 86400 * days,) * 2)
print(prune(0) >= 100_000, [(cache_folder() / "trees" / name).exists() for name in ("tests-old", "tests-new")])
os.unlink(copy / "file"); copy.rmdir()
"""
    assert stack.compose("exec", "--no-TTY", "sweeper", "python", "-c", script).strip() == "True [False, True]"
    mounted = run(["docker", "inspect", "--format", "{{json .Mounts}}", stack.services()["sweeper"]["ID"]])
    assert {mount["Destination"]: mount.get("Name") for mount in json.loads(mounted)}["/cache"] == "maskfold-cache"
    stack.wait(lambda: "cache: freed" in stack.compose("logs", "sweeper"), "the sweeper's first round")
