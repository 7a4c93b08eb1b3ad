"""The job weights against a real client: a hub that answers, one that does not, and a cache."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import load, load_file, save

from maskfold import torchvision_ops  # noqa: F401 - before timm
from maskfold.errors import EXIT_INPUT, EXIT_OK, RecipeError, WeightsError
from maskfold.launch import entry
from maskfold.specs import WeightsOutcome, WeightsSpec
from maskfold.storage import open_workspace
from tasks.weights import run

import timm  # isort: skip

ROOT = Path(__file__).parents[2]
BACKBONE = "test_resnet"


class Hub(BaseHTTPRequestHandler):
    """Serves one file as the hub does: without redirects, with commit and checksum in the header."""

    content = b""
    path_served = "/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        if self.path != self.path_served:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if with_body:
            self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.content = save(timm.create_model(BACKBONE).state_dict())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def no_hub() -> str:
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def start(
    folder: Path, endpoint: str, backbone: str = BACKBONE, pretrained: str = "required"
) -> tuple[WeightsSpec, int, str]:
    """Run the job as a process of its own, with a cache of its own."""
    spec = WeightsSpec(workspace=str(folder / "workspace"), backbone=backbone, pretrained=pretrained)
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "cache"), "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-m", "tasks.weights", spec.model_dump_json()],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return spec, done.returncode, done.stdout + done.stderr


def outcome_of(spec: WeightsSpec) -> WeightsOutcome:
    content = open_workspace(spec.workspace).read(f"{spec.address}/outcome.json")
    assert content is not None
    return WeightsOutcome.model_validate_json(content)


@pytest.mark.slow
def test_weights_come_from_the_hub_once_and_then_from_its_cache(tmp_path: Path, hub: str, no_hub: str):
    spec, code, output = start(tmp_path, hub)
    assert code == EXIT_OK, output
    weights = outcome_of(spec).weights
    assert weights is not None
    assert weights.origin == "timm test_resnet (timm/test_resnet.r160_in1k)"
    assert (weights.mean, weights.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    published = load_file(open_workspace(spec.workspace).fetch(weights.file))
    served = load(Hub.content)
    assert set(served) - set(published) == {"fc.weight", "fc.bias"}
    assert all(tensor.equal(served[name]) for name, tensor in published.items())
    open_workspace(spec.workspace).delete(f"{spec.address}/outcome.json")
    _, code, output = start(tmp_path, no_hub)
    assert code == EXIT_OK, output
    again = outcome_of(spec).weights
    assert again is not None
    assert again.file.sha256 == weights.file.sha256


@pytest.mark.slow
def test_without_hub_the_required_say_what_to_do_at_once(tmp_path: Path, no_hub: str):
    _, code, output = start(tmp_path, no_hub)
    assert code == EXIT_INPUT
    assert f"pretrained weights of {BACKBONE} are required but not available: the hub at {no_hub}" in output
    assert f"--weights DIR (a folder with {BACKBONE}.safetensors) or --weights {BACKBONE}=URI" in output
    assert "Traceback" not in output
    assert "Retrying" not in output  # the hub's own client would, for most of a minute


def within(folder: Path, backbone: str, pretrained: str) -> WeightsOutcome:
    """Run the job in this process."""
    spec = WeightsSpec(workspace=str(folder / "workspace"), backbone=backbone, pretrained=pretrained)
    outcome = entry.run_spec(run, spec, logging.getLogger("test"))
    assert isinstance(outcome, WeightsOutcome)
    return outcome


def test_without_hub_the_wanted_do_without(tmp_path: Path, no_hub: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "ENDPOINT", no_hub)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    outcome = within(tmp_path, BACKBONE, "if-available")
    assert outcome.weights is None
    assert f"the hub at {no_hub} cannot be reached" in outcome.reason
    assert not constants.HF_HUB_OFFLINE


def test_a_backbone_that_timm_has_no_weights_for_needs_no_hub(tmp_path: Path):
    assert (
        within(tmp_path, "mobilenetv2_035", "if-available").reason
        == "timm has no pretrained weights for mobilenetv2_035"
    )
    with pytest.raises(WeightsError, match=r"mobilenetv2_035 are required but not available: timm has no pretrained"):
        within(tmp_path, "mobilenetv2_035", "required")


def test_an_unknown_backbone_is_the_users_to_correct(tmp_path: Path):
    with pytest.raises(RecipeError, match="Did you mean 'test_resnet"):
        within(tmp_path, "test_resnt", "if-available")
