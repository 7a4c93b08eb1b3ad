from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskfold.inference.package import OpenPackage
from maskfold.inference.predictor import Predictor
from tests.inference.trained import Trained, train


@pytest.fixture(scope="session")
def trained(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A trained ensemble; one evaluation image cannot be read, one JPEG lacks its end."""
    folder = tmp_path_factory.mktemp("inference")
    data = folder / "data"
    shutil.copytree(drawn_data, data)
    images = sorted((data / "eval" / "images").iterdir())
    images[0].write_bytes(b"not an image")
    content = images[1].read_bytes()
    images[1].write_bytes(content[: len(content) * 9 // 10])
    return train(data, folder)


@pytest.fixture(scope="session")
def predictor(trained: Trained) -> Predictor:
    return Predictor.load(OpenPackage.open(trained.package))
