"""A Docker engine, the images, and the stack, started once for all tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.stack import BUCKET, IMAGES, PASSWORDS, PROJECT, ROOT, Stack, run
from tests.servers.ports import lasting_ports

BASE_VARIABLE = "MASKFOLD_TEST_BASE"
"""A local base image, where the official ones cannot be pulled."""
WHEELS = ROOT / "docker" / "wheels"
POSTGRES = f"{IMAGES}postgres"


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine with Compose and buildx; must be there in CI."""
    for command in (["docker", "info"], ["docker", "compose", "version"], ["docker", "buildx", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)
            reason = done.stderr.strip() if done.returncode else ""
        except FileNotFoundError:
            reason = "no program of that name"
        if reason:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{' '.join(command)}: {reason}")


@pytest.fixture(scope="session")
def stack_settings(engine: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A file of settings for the stack and its ports."""
    names = [f"{server}_{kind}" for server in ("PREFECT", "MLFLOW", "STORE") for kind in ("PORT", "TLS_PORT")]
    ports = dict(zip(names, lasting_ports(len(names)), strict=True))
    settings = {**PASSWORDS, **ports, "MASKFOLD_IMAGES": IMAGES, "NETWORK": PROJECT, "JOBS": 1, "TLS_NAME": "localhost"}
    folder = tmp_path_factory.mktemp("stack")
    base = os.environ.get(BASE_VARIABLE)
    if base:
        run(
            ["docker", "build", "--quiet", "--build-arg", f"BASE={base}", "--tag", POSTGRES, "tests/docker/postgres"],
            cwd=ROOT,
        )
        settings |= {"BASE": base, "POSTGRES_IMAGE": POSTGRES} | _installing(folder)
    file = folder / "settings"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file, ports


def _installing(folder: Path) -> dict[str, str]:
    """Let images install from where this environment was installed from: its torch, pip's index and certificates."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    torch = next(line for line in (ROOT / "requirements.lock").read_text().splitlines() if line.startswith("torch=="))
    run([*pip, "download", "--quiet", "--no-deps", "--dest", str(WHEELS), torch])
    configured = dict(line.split("=", 1) for line in run([*pip, "config", "list"]).splitlines() if "=" in line)
    values = {name.partition(".")[2]: value.strip("'") for name, value in configured.items()}
    lines = ["[global]", "timeout = 180"]
    if "index-url" in values:
        lines.append(f"index-url = {values['index-url']}")
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")
    certificates = {"PIP_CA": values["cert"]} if "cert" in values else {}
    return {"TORCH_BUILD": "", "PIP_CONF": str(folder / "pip.conf"), **certificates}


@pytest.fixture(scope="session")
def images(stack_settings: tuple[Path, dict[str, int]]) -> Iterator[dict[str, str]]:
    """Names of the built images."""
    Stack(*stack_settings).make("images")
    yield {name: f"{IMAGES}maskfold-{name}" for name in ("job", "serve", "flow", "mlflow", "store", "tls")}
    if BASE_VARIABLE in os.environ:
        # Not earlier: without these wheels the images would be rebuilt, with another torch.
        for wheel in WHEELS.glob("torch-*.whl"):
            wheel.unlink()


@pytest.fixture(scope="session")
def stack(images: dict[str, str], stack_settings: tuple[Path, dict[str, int]], drawn_data: Path) -> Iterator[Stack]:
    """The stack, started by `make stack`, with a second worker and a drawn data set in its bucket."""
    one = Stack(*stack_settings)
    _clear(one)  # what a killed session left
    try:
        print(one.make("stack"))
        one.two_workers()
        s3 = one.s3()
        for path in sorted(drawn_data.rglob("*.*")):
            s3.upload_file(str(path), BUCKET, f"data/{path.relative_to(drawn_data).as_posix()}")
        yield one
    finally:
        _clear(one)


def _clear(stack: Stack) -> None:
    """Remove all that the stack has started, volumes too."""
    left = run(["docker", "ps", "--all", "--quiet", "--filter", f"network={PROJECT}"]).split()
    if left:
        run(["docker", "rm", "--force", *left])
    stack.compose("--profile", "gpu", "--profile", "tls", "--profile", "serve", "down", "--volumes")
