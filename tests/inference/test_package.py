"""The model package: data alone, complete, and refused once it was changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from maskfold.errors import CorruptDataError, MaskfoldError
from maskfold.inference.package import OpenPackage
from tests.inference.trained import Trained

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.package, tmp_path / "package"))


def test_a_package_is_data_alone_and_says_what_it_is(trained: Trained) -> None:
    folder = Path(trained.package)
    names = {path.name for path in folder.iterdir()}
    weights = {f"{network}-{number}.safetensors" for network in ("joint", "mask", "gender") for number in (1, 2)}
    assert names == {"model.json", "README.md", "SHA256SUMS", *weights}
    opened = OpenPackage.open(trained.package)
    assert opened.digest == trained.exported.digest == hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    model = opened.model
    assert model.name == "maskfold-little"
    assert model.vote.macro_f1 == trained.result.scores["vote"].macro_f1
    assert model.vote_weights == {"joint": 2.0}
    assert model.typical_face == trained.vote.cropped.typical_face
    assert 0.1 <= model.temperature <= 10
    assert sum(model.training.label_shares) == pytest.approx(1)
    assert {one.target for one in model.classes} == {"joint", "mask", "gender"}
    assert sum(one.images for one in model.slices if one.attribute == "mask") == model.training.images
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert done.returncode == 0


def test_the_card_has_scores_by_attribute_and_what_it_must_not_be_used_for(trained: Trained) -> None:
    card = (Path(trained.package) / "README.md").read_text()
    for heading in ("# maskfold-little", "## Scores", "## By mask", "## By gender", "## By class"):
        assert f"\n{heading}\n" in f"\n{card}"
    for word in ("Identity", "Consent", "Bias"):
        assert f"**{word}" in card
    assert "| wear |" in card


def test_a_copy_elsewhere_is_the_same_model(copy: Path, trained: Trained) -> None:
    assert OpenPackage.open(str(copy)).digest == trained.exported.digest


@pytest.mark.parametrize("name", ["README.md", "joint-1.safetensors"])
def test_a_changed_file_is_refused_by_name(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(CorruptDataError, match=name):
        OpenPackage.open(str(copy))


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "gender-2.safetensors").unlink()
    with pytest.raises(CorruptDataError, match=r"gender-2\.safetensors is missing"):
        OpenPackage.open(str(copy))


def test_a_changed_description_has_another_digest(copy: Path, trained: Trained) -> None:
    described = json.loads((copy / "model.json").read_text())
    described["temperature"] = 5.0
    (copy / "model.json").write_text(json.dumps(described))
    with pytest.raises(CorruptDataError, match="it was changed"):
        OpenPackage.open(str(copy), trained.exported.digest)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda model: model.update(format=2), "format"),
        (lambda model: model["crop"].update(face_size=[80, 60]), "another scheme, crop or target"),
        (lambda model: model["scheme"]["attributes"].pop(), "training"),
        (lambda model: model["networks"][0]["weights"][0].update(name="../../secret"), "networks.0.weights.0.name"),
        (lambda model: model.update(run="import os"), "run"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(copy: Path, change, problem: str) -> None:
    described = json.loads((copy / "model.json").read_text())
    change(described)
    (copy / "model.json").write_text(json.dumps(described))
    with pytest.raises(CorruptDataError, match=problem):
        OpenPackage.open(str(copy))


def test_links_out_of_a_package_are_not_followed(copy: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes((copy / "README.md").read_bytes())
    (copy / "README.md").unlink()
    (copy / "README.md").symlink_to(outside)
    with pytest.raises(MaskfoldError, match=r"README\.md"):
        OpenPackage.open(str(copy))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe"])
def test_what_is_no_description_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"model\.json"):
        OpenPackage.open(str(tmp_path))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(MaskfoldError, match="no model here") as caught:
        OpenPackage.open(str(tmp_path))
    assert caught.value.exit_code == 2
