"""A model that is ready to answer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from PIL import Image

from maskfold.allocator import keep_freed_memory
from maskfold.dataset.images import stated_pixels
from maskfold.inference.cropping import PhotographCropper
from maskfold.inference.package import OpenPackage
from maskfold.inference.predictor import Predictor
from maskfold.models import FoundModel
from maskfold.specs import ModelPackage

_SIZE = (240, 320)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A predictor, and what cuts out faces for it."""

    predictor: Predictor
    croppers: Mapping[bool, PhotographCropper]
    """By whether every face is asked for; used by several threads at once."""

    @classmethod
    def load(cls, found: FoundModel) -> Self:
        """Fetch, verify and load a model, and let it answer once, so that the first request need not wait.

        Raises:
            InputError: If there is no package.
            CorruptDataError: If it is damaged, or was changed.
            UnavailableError: If the storage cannot be reached.
        """
        keep_freed_memory()
        predictor = Predictor.load(OpenPackage.open(found.uri, found.digest))
        everyone = PhotographCropper(predictor.model, True, predictor.cropper.device)
        model = cls(predictor, {False: predictor.cropper, True: everyone})
        for cropper in model.croppers.values():
            predictor.answer(cropper([_blank()]))
        return model

    @property
    def model(self) -> ModelPackage:
        """Its description."""
        return self.predictor.model

    @property
    def digest(self) -> str:
        """Of the package."""
        return self.predictor.package.digest

    def pixels(self, content: bytes) -> int:
        """Return how many pixels a photograph states that it has, without decoding it."""
        return stated_pixels(content)

    def use_cores(self, number: int) -> None:
        """Let torch use so many threads for what this thread asks of it."""
        torch.set_num_threads(number)


def _blank() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", _SIZE, (128, 128, 128)).save(stream, "PNG")
    return stream.getvalue()
