"""The networks of a model: from cropped images to the vote's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.ensemble.vote import mean_of_trainings, vote
from maskfold.inference.package import OpenPackage
from maskfold.inference.trainings import Engine, TrainedNetwork, TrainingLoader
from maskfold.scheme import FloatArray
from maskfold.specs import ModelPackage
from maskfold.training.images import resized


@dataclass(frozen=True)
class Voters:
    """All networks of a model."""

    model: ModelPackage
    networks: Mapping[str, Sequence[TrainedNetwork]]
    """The trainings of each, by its name."""

    @classmethod
    def load(cls, package: OpenPackage, device: torch.device, engine: Engine = "auto", lasting: bool = False) -> Voters:
        """Build all networks and load their weights.

        Args:
            package: The verified package.
            device: Where it computes.
            engine: What computes the networks; their probabilities differ by less than 1e-5 on a processor.
            lasting: Whether they will answer for many photographs; see
                :class:`~maskfold.inference.trainings.TrainingLoader`.

        Raises:
            CorruptDataError: If weights do not fit their card.
            InputError: If onnx is asked for and not installed.
        """
        loader = TrainingLoader.of(device, engine, lasting)
        networks = {
            network.name: [loader.load(package.paths[file.name], file.sha256) for file in network.weights]
            for network in package.model.networks
        }
        return cls(package.model, networks)

    def probabilities(self, faces: NDArray[np.uint8], portraits: NDArray[np.uint8]) -> FloatArray:
        """Return the vote's probabilities of the joint classes.

        Args:
            faces: uint8, (N, height, width, 3), in the crop's size; not looked at if no network takes faces.
            portraits: Likewise, of the whole photographs.

        Returns:
            float64, (N, joint classes).
        """
        given = {"face": faces, "portrait": portraits}
        sizes: dict[tuple[str, tuple[int, int]], NDArray[np.uint8]] = {}
        answers: dict[str, tuple[str, FloatArray]] = {}
        for network in self.model.networks:
            found = []
            for training in self.networks[network.name]:
                seen = (network.input, training.size)
                if seen not in sizes:
                    sizes[seen] = resized(given[network.input], training.size)
                found.append(_exact(training.probabilities(sizes[seen])))
            answers[network.name] = network.target, mean_of_trainings(np.stack(found))
        return vote(answers, self.model.vote_weights, self.model.scheme).probabilities


def _exact(probabilities: NDArray[np.float32]) -> FloatArray:
    """Return float64 probabilities that sum to 1, as the vote of a run takes them."""
    values = probabilities.astype(np.float64)
    return np.asarray(values / values.sum(axis=1, keepdims=True))
