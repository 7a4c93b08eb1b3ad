"""A model as one file answers as the model does, and says when it cannot be made."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.ensembles import Untrained, write_package
from maskfold.errors import CorruptDataError, InputError, MaskfoldError
from maskfold.inference import formats, onnx_export
from maskfold.inference.combined import read_combined
from maskfold.inference.formats import WrittenFile, write_file
from maskfold.inference.onnx_export import missing_packages
from maskfold.inference.package import OpenPackage
from maskfold.inference.voters import Voters
from maskfold.recipe import Crop
from maskfold.scheme import Attribute, Scheme

CPU = torch.device("cpu")
CROP = Crop(face_size=(64, 48), portrait_size=(56, 40))
SCHEME = Scheme(
    attributes=(
        Attribute(name="kind", values=("a", "b", "c")),
        Attribute(name="sort", of="person", values=("x", "y")),
    )
)
NETWORKS = (
    Untrained("j", "test_resnet", (64, 48)),
    Untrained("k", "test_resnet", (48, 40), "kind", bins=2),
    Untrained("s", "test_resnet", (32, 32), "sort", "portrait"),
    Untrained("t", "test_resnet", (56, 40), "sort", "portrait"),
)
"""A joint network, a product of attributes, counted classes, faces and portraits, with and without resizing."""
needs_onnx = pytest.mark.skipif(bool(missing_packages()), reason="the extra maskfold[onnx] is not installed")
Computed = Callable[[np.ndarray, np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> OpenPackage:
    folder = tmp_path_factory.mktemp("formats") / "package"
    weights = {"j": 2.0, "t": 0.5, "attributes": 0.7}
    return OpenPackage.open(str(write_package(folder, NETWORKS, SCHEME, CROP, folds=2, vote_weights=weights)))


@pytest.fixture(scope="module")
def voters(package: OpenPackage) -> Voters:
    return Voters.load(package, CPU, "torch")


def images(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    sizes = (CROP.face_size, CROP.portrait_size)
    faces, portraits = (draw.integers(0, 256, (number, *size, 3), dtype=np.uint8) for size in sizes)
    return faces, portraits


def check(written: WrittenFile, computed: Computed, voters: Voters) -> None:
    assert written.inputs == ("face", "portrait")
    assert written.difference <= 1e-5

    @settings(max_examples=9, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, 9), st.integers(0, 99))
    def any_batch(number: int, seed: int) -> None:
        faces, portraits = images(number, seed)
        found = computed(faces, portraits)
        assert found.shape == (number, 6)
        assert np.abs(found - voters.probabilities(faces, portraits)).max() <= 1e-5

    any_batch()


@pytest.mark.slow
def test_pt2_answers_as_the_model(package: OpenPackage, voters: Voters, tmp_path: Path) -> None:
    written = write_file(package, "pt2", tmp_path / "model.pt2")
    described = {"maskfold": ""}
    with written.path.open("rb") as stream:
        module = torch.export.load(stream, extra_files=described).module()
    assert json.loads(described["maskfold"]) == package.model.model_dump(mode="json")
    check(written, lambda *given: module(*map(torch.from_numpy, given)).detach().numpy(), voters)


@needs_onnx
@pytest.mark.slow
def test_onnx_answers_as_the_model(package: OpenPackage, voters: Voters, tmp_path: Path) -> None:
    import onnxruntime

    written = write_file(package, "onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(written.path)
    assert [(one.name, one.type) for one in session.get_inputs()] == [
        ("face", "tensor(uint8)"),
        ("portrait", "tensor(uint8)"),
    ]
    described = session.get_modelmeta().custom_metadata_map["maskfold"]
    assert json.loads(described) == package.model.model_dump(mode="json")
    check(written, lambda f, p: session.run(["probabilities"], {"face": f, "portrait": p})[0], voters)


def test_safetensors_has_all_networks_and_their_description(
    package: OpenPackage, voters: Voters, tmp_path: Path
) -> None:
    written = write_file(package, "safetensors", tmp_path / "model.safetensors")
    assert (written.difference, written.mixed_difference) == (0.0, 0.0)
    model, networks = read_combined(written.path, CPU)
    assert model == package.model
    assert {name: len(trainings) for name, trainings in networks.items()} == {"j": 2, "k": 2, "s": 2, "t": 2}


@pytest.mark.parametrize("place", ["weight", "description", "end"])
def test_a_changed_file_of_safetensors_is_refused(package: OpenPackage, tmp_path: Path, place: str) -> None:
    path = write_file(package, "safetensors", tmp_path / "model.safetensors").path
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    if place == "weight":
        content[-1] ^= 1
    elif place == "description":
        where = content.index(b"untrained", 0, length)
        content[where : where + 9] = b"trained!!"
    else:
        del content[-100:]
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"model\.safetensors"):
        read_combined(path, CPU)


def test_a_changed_package_is_refused_before_anything_is_written(package: OpenPackage, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    write_package(folder, NETWORKS[:1], SCHEME, CROP, folds=1)
    weights = folder / "j-1.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"j-1\.safetensors"):
        OpenPackage.open(str(folder))


def test_a_file_that_answers_differently_is_not_handed_out(
    package: OpenPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "model.safetensors"
    before.write_bytes(b"an older file")
    monkeypatch.setattr(formats, "AGREEMENT", -1.0)
    with pytest.raises(MaskfoldError, match="was not written"):
        write_file(package, "safetensors", before)
    assert before.read_bytes() == b"an older file"
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_without_the_extra_the_message_has_the_command_to_run(
    package: OpenPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="-m pip install onnxruntime onnx onnxscript") as caught:
        write_file(package, "onnx", tmp_path / "model.onnx")
    assert caught.value.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_model_of_faces_alone_takes_faces_alone(tmp_path: Path) -> None:
    folder = write_package(tmp_path / "package", NETWORKS[:1], SCHEME, CROP, folds=1)
    opened = OpenPackage.open(str(folder))
    assert write_file(opened, "safetensors", tmp_path / "model.safetensors").inputs == ("face",)


def test_mixed_precision_is_told_apart(tmp_path: Path) -> None:
    networks = [Untrained("j", "test_resnet", (64, 48), precision="bf16")]
    opened = OpenPackage.open(str(write_package(tmp_path / "package", networks, SCHEME, CROP, folds=1)))
    written = write_file(opened, "safetensors", tmp_path / "model.safetensors")
    assert written.difference == 0 < written.mixed_difference
