"""The image that serves a model: hardened, behind a token, and ended without losing an answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docker.stack import PASSWORDS, run
from tests.docker.test_images import HARDENED
from tests.docker.test_stack import compose
from tests.inference.trained import Trained
from tests.servers.ports import free_ports

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]
TOKEN = "of-tests-only-0123456789"


@pytest.fixture(scope="module")
def package(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that user 1000 of a container may read."""
    folder = tmp_path_factory.mktemp("mounted")
    package = Path(shutil.copytree(trained.package, folder / "package"))
    for path in (*folder.parents[:2], folder, package, *package.iterdir()):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
    return package


@pytest.fixture(scope="module")
def container(images: dict[str, str], package: Path) -> Iterator[tuple[str, str]]:
    """Name and address of a container that is healthy."""
    (port,) = free_ports(1)
    name = f"maskfold-test-serve-{port}"
    options = ["--init", "--publish", f"127.0.0.1:{port}:8000", "--volume", f"{package}:/model:ro"]
    environment = ["--env", f"MASKFOLD_SERVE_TOKEN={TOKEN}"]
    run(["docker", "run", "--detach", "--name", name, *HARDENED, *options, *environment, images["serve"],
         "--model", "/model"])  # fmt: skip
    try:
        end = time.monotonic() + 600
        look = ["docker", "inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", name]
        while (state := run(look).strip()) != "running healthy":
            in_time = state.startswith("running") and time.monotonic() < end
            assert in_time, (state, run(["docker", "logs", name], stderr=subprocess.STDOUT))
            time.sleep(1)
        yield name, f"http://127.0.0.1:{port}"
    finally:
        run(["docker", "rm", "--force", name])


def ask(address: str, content: bytes | None = None, token: str = TOKEN) -> dict:
    headers = {"Content-Type": "image/jpeg", **({"Authorization": f"Bearer {token}"} if token else {})}
    with urllib.request.urlopen(urllib.request.Request(address, content, headers), timeout=120) as reply:
        return json.load(reply)


def test_it_answers_who_has_the_token_and_ends_in_peace(container: tuple[str, str], trained: Trained) -> None:
    name, address = container
    assert ask(f"{address}/health")["digest"] == trained.exported.digest
    assert ask(f"{address}/health", token="") == {"ready": True}
    photograph = sorted((trained.data / "eval" / "images").iterdir())[3].read_bytes()
    (row,) = ask(f"{address}/predict", photograph)["answers"]
    assert row["status"] == "detected"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(f"{address}/predict", photograph, token="another-token-of-tests")
    look = "import os; print(os.getuid(), os.access('/', os.W_OK), os.access('/model', os.W_OK))"
    assert run(["docker", "exec", name, "python", "-c", look]).strip() == "1000 False False"
    run(["docker", "stop", "--time", "60", name])
    assert run(["docker", "inspect", "--format", "{{.State.ExitCode}}", name]).strip() == "0"


def test_without_a_token_it_says_what_to_do(images: dict[str, str], package: Path) -> None:
    name = "maskfold-test-serve-without-token"
    options = [*HARDENED, "--volume", f"{package}:/model:ro"]
    run(["docker", "run", "--detach", "--name", name, *options, images["serve"], "--model", "/model"])
    try:
        assert run(["docker", "wait", name]).strip() == "2"
    finally:
        run(["docker", "rm", "--force", name])


def test_the_stack_starts_it_hardened_and_on_loopback(engine: None) -> None:
    done = compose("--profile", "serve", "config", **PASSWORDS, SERVE_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    service = yaml.safe_load(done.stdout)["services"]["serve"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert [port["host_ip"] for port in service["ports"]] == ["127.0.0.1"]
    assert service["environment"]["MASKFOLD_SERVE_TOKEN"] == TOKEN
    assert "serve" not in yaml.safe_load(compose("config", **PASSWORDS).stdout)["services"]
