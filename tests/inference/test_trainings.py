"""What computes trainings: torch, onnxruntime where it is installed, half precision where it changes little."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.ensembles import Untrained, write_package
from maskfold.errors import InputError
from maskfold.inference import onnx_export, onnx_network, trainings
from maskfold.inference.network import FinishedNetwork
from maskfold.inference.onnx_export import missing_packages
from maskfold.inference.package import OpenPackage
from maskfold.inference.pictures import pictures
from maskfold.inference.trainings import TorchNetwork, batch_for, in_half_precision
from maskfold.inference.voters import Voters
from maskfold.recipe import Crop

CPU = torch.device("cpu")
CROP = Crop(face_size=(64, 48))
needs_onnx = pytest.mark.skipif(bool(missing_packages()), reason="the extra maskfold[onnx] is not installed")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> OpenPackage:
    networks = [Untrained("j", "test_resnet", (64, 48)), Untrained("b", "test_resnet", (48, 40), bins=2)]
    return OpenPackage.open(
        str(write_package(tmp_path_factory.mktemp("trainings") / "package", networks, crop=CROP, folds=2))
    )


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def kinds(voters: Voters) -> set[str]:
    return {type(one).__name__ for some in voters.networks.values() for one in some}


def answers(voters: Voters) -> np.ndarray:
    faces = pictures(20, CROP.face_size)
    return voters.probabilities(faces, faces[:, :1, :1])


def test_without_the_extra_torch_computes(package: OpenPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None)
    assert kinds(Voters.load(package, CPU, lasting=True)) == {"TorchNetwork"}
    with pytest.raises(InputError, match="-m pip install onnxruntime"):
        Voters.load(package, CPU, "onnx")


def test_what_answers_once_is_not_exported(package: OpenPackage, own_home: Path) -> None:
    assert kinds(Voters.load(package, CPU)) == {"TorchNetwork"}
    assert not (own_home / "cache" / "onnx").exists()


@needs_onnx
@pytest.mark.slow
def test_onnxruntime_answers_as_torch_and_is_exported_once(
    package: OpenPackage, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = []
    plain = onnx_network.export_onnx
    monkeypatch.setattr(onnx_network, "export_onnx", lambda *given: graphs.append(1) or plain(*given))
    expected = answers(Voters.load(package, CPU, "torch"))
    first = Voters.load(package, CPU, lasting=True)
    assert kinds(first) == {"OnnxNetwork"}
    assert len(graphs) == 2  # trainings of a network share one
    assert 0 < np.abs(answers(first) - expected).max() < 1e-5
    again = Voters.load(package, CPU, "onnx")
    assert len(graphs) == 2
    assert np.array_equal(answers(again), answers(first))

    damaged = next((own_home / "cache" / "onnx").rglob("network.onnx"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-10] + bytes(10))
    assert np.array_equal(answers(Voters.load(package, CPU, "onnx")), answers(first))
    assert len(graphs) == 3
    assert damaged.read_bytes() == content


@needs_onnx
@pytest.mark.slow
def test_networks_that_differ_from_torch_are_computed_by_torch(
    package: OpenPackage, own_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(onnx_network, "AGREEMENT", 0.0)
    with caplog.at_level(logging.WARNING):
        voters = Voters.load(package, CPU, "onnx")
    assert kinds(voters) == {"TorchNetwork"}
    assert "test_resnet is computed by torch: its probabilities by onnxruntime differ by" in caplog.text
    assert not list(own_home.rglob("*.onnx"))


@needs_onnx
def test_mixed_precision_stays_with_torch(tmp_path: Path, own_home: Path) -> None:
    networks = [Untrained("j", "test_resnet", (64, 48), precision="bf16")]
    opened = OpenPackage.open(str(write_package(tmp_path / "package", networks, crop=CROP, folds=1)))
    assert kinds(Voters.load(opened, CPU, "onnx")) == {"TorchNetwork"}


def test_half_precision_only_where_it_changes_little(package: OpenPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    network = FinishedNetwork.load(package.paths["j-1.safetensors"], CPU)
    monkeypatch.setattr(trainings, "HALF", 1.0)
    faster = in_half_precision(network, "bf16")
    assert faster.card.precision == "bf16"
    images = pictures(8, CROP.face_size)
    difference = np.abs(TorchNetwork(faster).probabilities(images) - TorchNetwork(network).probabilities(images)).max()
    monkeypatch.setattr(trainings, "HALF", difference / 10)
    assert in_half_precision(network, "bf16") is network
    mixed = replace(network, card=network.card.model_copy(update={"precision": "bf16"}))
    assert in_half_precision(mixed, "fp16") is mixed


@pytest.mark.parametrize(
    ("free", "each", "least", "batch"),
    [(80 << 30, 8 << 20, 64, 1024), (4 << 30, 8 << 20, 64, 128), (1 << 30, 64 << 20, 64, 64), (0, 1, 32, 32)],
)
def test_batches_are_sized_to_memory(free: int, each: int, least: int, batch: int) -> None:
    assert batch_for(free, each, least) == batch
