"""A trained ensemble, for all tests that use one.

Every test session loads this module, before pytest is configured: it must not import torch.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from maskfold.inference.predictor import Predictor
    from tests.inference.trained import Trained


@pytest.fixture(scope="session")
def trained(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A trained ensemble; one evaluation image cannot be read, one JPEG lacks its end."""
    from tests.inference.trained import train

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
    from maskfold.inference.package import OpenPackage
    from maskfold.inference.predictor import Predictor

    return Predictor.load(OpenPackage.open(trained.package))
