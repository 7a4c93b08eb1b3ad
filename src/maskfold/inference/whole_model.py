"""A whole ensemble as one module: from uint8 images to the vote's probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from maskfold.ensemble.vote import PRODUCT, vote_shares
from maskfold.inference.network import FinishedNetwork
from maskfold.inference.resizing import Resize
from maskfold.scheme import JOINT, Scheme
from maskfold.specs import ModelPackage


class TrainingModule(nn.Module):
    """One training of a network: from images to the probabilities of the target's classes.

    Args:
        network: The finished network.
    """

    def __init__(self, network: FinishedNetwork) -> None:
        super().__init__()
        card = network.card
        self.network = network.model.eval()
        centre, spread = (torch.tensor(values).view(1, 3, 1, 1) for values in (card.input.mean, card.input.std))
        self.register_buffer("scale", 1 / spread)
        self.register_buffer("shift", -centre / spread)
        counted = np.array(card.counted_classes, dtype=np.int64)
        n_classes = int(counted.max()) + 1
        self._merges = n_classes != len(counted)
        if self._merges:
            self.register_buffer("counts_as", torch.from_numpy(np.eye(n_classes, dtype=np.float32)[counted]))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return probabilities, float32, (N, classes), of float32 images with values 0..255, (N, 3, H, W)."""
        scaled = (pixels / 255) * self.get_buffer("scale") + self.get_buffer("shift")
        found: Tensor = self.network(scaled).float().softmax(dim=1)
        return found @ self.get_buffer("counts_as") if self._merges else found


class WholeModel(nn.Module):
    """All networks of a model and their vote.

    Args:
        model: The model's description.
        networks: The trainings of each network, by its name.
    """

    def __init__(self, model: ModelPackage, networks: Mapping[str, Sequence[FinishedNetwork]]) -> None:
        super().__init__()
        self.inputs = inputs(model)
        """What it takes, in this order."""
        self._scheme = model.scheme
        self._networks = [(one.name, one.target, one.input) for one in model.networks]
        self._sizes = [networks[one.name][0].card.input.size for one in model.networks]
        self.trainings = nn.ModuleList(nn.ModuleList(map(TrainingModule, networks[one.name])) for one in model.networks)
        self.resizes = nn.ModuleDict()
        self._given = {name: given_size(model, name) for name in self.inputs}
        for (_, _, source), size in zip(self._networks, self._sizes, strict=True):
            if size != self._given[source] and _resizing(source, size) not in self.resizes:
                self.resizes[_resizing(source, size)] = Resize(self._given[source], size)
        weights, targets = model.vote_weights, model.scheme.targets
        of_target = {target: [name for name, said, _ in self._networks if said == target] for target in targets}
        self._members = {
            target: vote_shares(names, weights) for target, names in of_target.items() if names and target != JOINT
        }
        voters = of_target[JOINT] + ([PRODUCT] if self._members else [])
        self._voters = vote_shares(voters, weights)

    def forward(self, *images: Tensor) -> Tensor:
        """Return the vote's probabilities of the joint classes, float32, (N, joint classes).

        Args:
            *images: uint8, (N, H, W, 3), of the model's crop, for each of :attr:`inputs`.
        """
        planes = {name: given.permute(0, 3, 1, 2).float() for name, given in zip(self.inputs, images, strict=True)}
        sized: dict[str, Tensor] = {}
        found: dict[str, Tensor] = {}
        for (name, _, source), size, trainings in zip(self._networks, self._sizes, self.trainings, strict=True):
            key = _resizing(source, size)
            if key not in sized:
                sized[key] = self.resizes[key](planes[source]) if key in self.resizes else planes[source]
            answers = [training(sized[key]) for training in cast("nn.ModuleList", trainings)]
            exact = [answer / answer.sum(dim=1, keepdim=True) for answer in answers]
            found[name] = torch.stack(exact).mean(dim=0)
        if self._members:
            parts = {target: _weighted(found, shares) for target, shares in self._members.items()}
            found[PRODUCT] = _product(parts, self._scheme)
        return _weighted(found, self._voters)


def inputs(model: ModelPackage) -> list[str]:
    """Return what the networks of a model look at: ``face``, ``portrait``, or both in this order."""
    return sorted({network.input for network in model.networks})


def given_size(model: ModelPackage, source: str) -> tuple[int, int]:
    """Return height and width of the images that are cut out for the networks."""
    return model.crop.face_size if source == "face" else model.crop.portrait_size


def _resizing(source: str, size: tuple[int, int]) -> str:
    return f"{source}-{size[0]}x{size[1]}"


def _weighted(probabilities: Mapping[str, Tensor], shares: Mapping[str, float]) -> Tensor:
    first, *others = [probabilities[name] * share for name, share in shares.items()]
    return sum(others, first)


def _product(parts: Mapping[str, Tensor], scheme: Scheme) -> Tensor:
    """Return the product of the attributes' probabilities; see :meth:`maskfold.scheme.Scheme.product`."""
    first, *others = scheme.names
    found = parts[first]
    for name in others:
        found = (found.unsqueeze(2) * parts[name].unsqueeze(1)).flatten(start_dim=1)
    return found
