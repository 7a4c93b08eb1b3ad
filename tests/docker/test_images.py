"""The images themselves."""

import json
import subprocess
from pathlib import Path

import pytest

from maskfold.recipe import load_recipe
from maskfold.specs import NetworksSpec
from tests.docker.stack import HARDENED, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

NAMES = ("job", "serve", "flow", "mlflow", "store")


def inside(image: str, *command: str, options: list[str] = HARDENED) -> str:
    return run(["docker", "run", "--rm", *options, "--entrypoint", command[0], image, *command[1:]]).strip()


def test_their_sizes(images: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {
        name: int(run(["docker", "image", "inspect", "--format", "{{.Size}}", image])) for name, image in images.items()
    }
    with capsys.disabled():
        print("\nimages:", ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items()))
    assert sizes["flow"] < sizes["job"] / 2


@pytest.mark.parametrize("name", NAMES)
def test_they_run_as_an_ordinary_user_on_a_read_only_root(images: dict[str, str], name: str) -> None:
    look = "import os, pathlib; print(os.getuid(), os.access('/', os.W_OK), os.access('/opt/venv', os.W_OK))"
    assert inside(images[name], "python", "-c", look) == "1000 False False"
    # Nor could they without these restrictions.
    assert inside(images[name], "python", "-c", look, options=[]) == "1000 False False"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_them_builds_or_installs(images: dict[str, str], name: str) -> None:
    look = (
        "import importlib.util, shutil;"
        "print([name for name in ('gcc', 'cc', 'make', 'git') if shutil.which(name)], importlib.util.find_spec('pip'))"
    )
    assert inside(images[name], "python", "-c", look) == "[] None"


@pytest.mark.parametrize("name", NAMES)
def test_they_say_what_they_are_and_hold_no_secret(images: dict[str, str], name: str) -> None:
    (image,) = json.loads(run(["docker", "image", "inspect", images[name]]))
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"maskfold-{name}"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    history = run(["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", images[name]])
    found = inside(images[name], "sh", "-c", "cat /etc/pip.conf /run/secrets/* 2>/dev/null || true")
    assert not found
    assert not any(word in history + str(image["Config"]["Env"]) for word in ("PASSWORD", "SECRET", "example-"))


def test_the_proxy_runs_as_an_ordinary_user_on_a_read_only_root(images: dict[str, str]) -> None:
    look = "import os; print(os.getuid(), os.access('/', os.W_OK), os.access('/etc/nginx/nginx.conf', os.W_OK))"
    for options in (HARDENED, []):
        assert inside(images["tls"], "python3", "-c", look, options=options) == "1000 False False"


def test_the_versions_are_those_of_the_lock(images: dict[str, str]) -> None:
    lines = [line.partition(";")[0] for line in Path("requirements.lock").read_text(encoding="utf-8").splitlines()]
    locked = {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}
    look = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.name.lower().replace('_', '-'): d.version.partition('+')[0] for d in m.distributions()}))"
    )
    for name in ("job", "flow", "mlflow"):
        installed = json.loads(inside(images[name], "python", "-c", look))
        not_locked = {"maskfold", "facenet-pytorch"}
        assert {k: v for k, v in installed.items() if locked.get(k) != v and k not in not_locked} == {}


def test_the_flows_image_has_no_torch_and_starts_the_flows(images: dict[str, str]) -> None:
    look = (
        "import importlib.util, sys, flows.train, flows.job, prefect_docker;"
        "print([name for name in ('torch', 'timm', 'sklearn', 'pandas') if importlib.util.find_spec(name)])"
    )
    assert inside(images["flow"], "python", "-c", look) == "[]"


def test_the_jobs_image_has_all_that_jobs_need(images: dict[str, str]) -> None:
    look = "import maskfold.launch.preload, facenet_pytorch, madgrad, timm, torch; print(torch.ones(2).sum().item())"
    assert inside(images["job"], "python", "-c", look) == "2.0"


def test_a_job_runs_in_it_by_hand(images: dict[str, str]) -> None:
    """Runs a job by hand, with a spec and without servers."""
    spec = NetworksSpec(
        workspace="/tmp/w", networks=load_recipe("smoke").networks, classes=(18,), sizes=((64, 48),), weights={}
    )
    script = "cat > /tmp/spec.json && python -m tasks.networks /tmp/spec.json && ls /tmp/w/networks/*/outcome.json"
    command = ["docker", "run", "--rm", "--interactive", *HARDENED, images["job"], "sh", "-c", script]
    done = subprocess.run(command, input=spec.model_dump_json(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f"{spec.key}/outcome.json")
