"""A model at work: photographs in, answers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch

from maskfold.ensemble.calibration import confidence
from maskfold.faces.geometry import Box
from maskfold.faces.pack import Status
from maskfold.inference.cropping import CroppedPhotograph, PhotographCropper, stacked
from maskfold.inference.package import OpenPackage
from maskfold.inference.trainings import Engine
from maskfold.inference.voters import Voters
from maskfold.scheme import FloatArray
from maskfold.specs import ModelPackage
from maskfold.specs.model import UNSURE


@dataclass(frozen=True)
class Answer:
    """What a model says of one face, or of a photograph that shows none."""

    photograph: int
    """Its number among the photographs that were asked about."""
    face: int
    """Number of the face in its photograph, from 0."""
    status: Status | Literal["none"]
    """``detected`` or ``retried``; ``fallback`` where no face was found and the usual place of faces was cut out;
    ``unreadable``, which is answered with the class shares of the training photographs; ``none`` where all faces were
    asked for and there is none."""
    box: Box | None
    """Left, top, right, bottom of the face in pixels of the upright photograph."""
    face_probability: float
    """Of the detector; NaN where it found no face."""
    probabilities: FloatArray | None
    """(joint classes,); None where there is no face."""
    confidence: float
    """Calibrated probability of the answer; NaN where there is no face, or nothing that could be read."""
    height: int
    """Of the upright photograph, in pixels; 0 if it cannot be read."""
    width: int
    problem: str | None = None
    """Why the photograph cannot be read, or what is wrong with it."""

    @property
    def joint_class(self) -> int | None:
        """The most probable joint class; of ties the first."""
        return None if self.probabilities is None else int(self.probabilities.argmax())

    @property
    def unsure(self) -> bool:
        """Whether no class has a probability of one half."""
        return self.probabilities is None or bool(self.probabilities.max() < UNSURE)


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    package: OpenPackage
    cropper: PhotographCropper
    voters: Voters

    @classmethod
    def load(
        cls,
        package: OpenPackage,
        all_faces: bool = False,
        device: torch.device | None = None,
        engine: Engine = "auto",
        lasting: bool = False,
    ) -> Self:
        """Load a model.

        Args:
            package: The verified package.
            all_faces: Answer for every face of a photograph, instead of the one that is meant.
            device: Where it computes; None: a GPU if there is one.
            engine: What computes the networks: ``torch`` as the run did, ``onnx``, or ``auto``: what is fastest if
                the model is lasting, else torch.
            lasting: Whether it will answer for thousands of photographs, so that exporting its networks to onnx, once
                on a machine, is worth some seconds.

        Raises:
            CorruptDataError: If weights do not fit their card.
            InputError: If onnx is asked for and not installed.
        """
        device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        cropper = PhotographCropper(package.model, all_faces, device.type)
        return cls(package, cropper, Voters.load(package, device, engine, lasting))

    @property
    def model(self) -> ModelPackage:
        """Its description."""
        return self.package.model

    def predict(self, sources: Sequence[Path | bytes]) -> list[Answer]:
        """Answer for photographs: files, or their bytes.

        Raises:
            UnavailableError: If the disk or the network fails while reading.
        """
        return self.answer(self.cropper(sources))

    def answer(self, cropped: Sequence[CroppedPhotograph]) -> list[Answer]:
        """Answer for photographs that are cut out already, in their order."""
        faces = [crop for one in cropped for crop in one.crops]
        portraits = [one.portrait for one in cropped for _ in one.faces if one.portrait is not None]
        crop = self.model.crop
        found = self.voters.probabilities(stacked(faces, crop.face_size), stacked(portraits, crop.portrait_size))
        return list(self._answers(cropped, found))

    def _answers(self, cropped: Sequence[CroppedPhotograph], found: FloatArray) -> Iterator[Answer]:
        prior = np.asarray(self.model.training.label_shares)
        sure = confidence(found, self.model.temperature).tolist()
        nowhere, row = float("nan"), 0
        for number, one in enumerate(cropped):
            if one.problem is not None:
                yield Answer(number, 0, "unreadable", None, nowhere, prior, nowhere, 0, 0, one.problem)
            elif not one.faces:
                yield Answer(number, 0, "none", None, nowhere, None, nowhere, one.height, one.width, one.note)
            for place, face in enumerate(one.faces):
                yield Answer(
                    photograph=number,
                    face=place,
                    status=face.status,
                    box=face.box,
                    face_probability=face.probability,
                    probabilities=found[row],
                    confidence=sure[row],
                    height=one.height,
                    width=one.width,
                    problem=one.note,
                )
                row += 1
