"""A straightforward training, as in tutorials and in the original recipe: the baseline of the benchmarks.

Cropped faces are JPEG files; workers of a DataLoader open each with Pillow and apply torchvision's transforms image by
image; the network of timm computes in float32 and the default memory layout; the loss is read after every
step to be shown. Nothing is slow on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import maskfold.torchvision_ops  # noqa: F401  before torchvision and timm

import timm  # isort: skip
from torchvision import transforms  # isort: skip

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLASSES = 18


class Faces(Dataset[tuple[Tensor, int]]):
    """Image files with their classes."""

    def __init__(self, files: Sequence[Path], classes: Sequence[int], transform: transforms.Compose) -> None:
        self._files, self._classes, self._transform = files, classes, transform

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        image = Image.open(self._files[number]).convert("RGB")
        return self._transform(image), self._classes[number]


def augmentation(name: str) -> list[nn.Module]:
    """Return torchvision's transforms for maskfold's preset of that name."""
    if name == "hot6":
        jitters = [{"brightness": (0.2, 3)}, {"contrast": (0.2, 3)}, {"saturation": (0.2, 3)}, {"hue": 0.3}]
        return [
            transforms.RandomChoice([transforms.ColorJitter(**jitter) for jitter in jitters]),
            transforms.RandomHorizontalFlip(),
        ]
    if name == "light":
        jitters = [{"brightness": 0.2}, {"contrast": 0.2}, {"saturation": 0.2}, {"hue": 0.05}]
        affine = transforms.RandomAffine(8, translate=(0.04, 0.04), scale=(0.92, 1.08))
        return [
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([affine], p=0.5),
            transforms.RandomApply(
                [transforms.RandomChoice([transforms.ColorJitter(**jitter) for jitter in jitters])], p=0.8
            ),
        ]
    raise ValueError(f"augmentation {name}: expected light or hot6")


class Classic:
    """One network in training.

    Args:
        backbone: Name of a timm model.
        device: Where it computes.
        batch_size: Images in a batch.
        workers: Processes that load images; 0 loads them between the steps.
        augmented: Name of the augmentation.
        cutmix: Probability of the original's CutMix, a vertical strip, for a batch.
    """

    def __init__(
        self,
        backbone: str,
        device: torch.device,
        batch_size: int = 32,
        workers: int = 0,
        augmented: str = "hot6",
        cutmix: float = 0.0,
    ) -> None:
        self.workers = workers
        self.model = timm.create_model(backbone, pretrained=False, num_classes=CLASSES).to(device)
        self._device, self._batch_size, self._cutmix = device, batch_size, cutmix
        self._optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.001)
        self._criterion = nn.CrossEntropyLoss()
        tensor = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        self._changed = transforms.Compose([*augmentation(augmented), *tensor])
        self._plain = transforms.Compose(tensor)

    def epoch(self, files: Sequence[Path], classes: Sequence[int]) -> tuple[float, float]:
        """Train on all full batches in random order; return mean loss and accuracy."""
        loader = DataLoader(
            Faces(files, classes, self._changed),
            self._batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=self.workers,
            pin_memory=self._device.type == "cuda",
        )
        self.model.train()
        losses, matches, seen = 0.0, 0, 0
        for images, labels in loader:
            images, labels = images.to(self._device), labels.to(self._device)
            self._optimizer.zero_grad()
            if np.random.rand() < self._cutmix:  # noqa: NPY002 - as it is commonly written
                images, others, share = _strip(images, labels)
                logits = self.model(images)
                loss = self._criterion(logits, labels) * (1 - share) + self._criterion(logits, others) * share
            else:
                logits = self.model(images)
                loss = self._criterion(logits, labels)
            loss.backward()
            self._optimizer.step()
            losses += loss.item()
            matches += (logits.argmax(dim=-1) == labels).sum().item()
            seen += len(labels)
        return losses / max(1, seen // self._batch_size), matches / max(1, seen)

    def predict(self, files: Sequence[Path]) -> np.ndarray:
        """Return the probabilities of images."""
        loader = DataLoader(
            Faces(files, [0] * len(files), self._plain), self._batch_size, shuffle=False, num_workers=self.workers
        )
        self.model.eval()
        with torch.no_grad():
            found = [self.model(images.to(self._device)).softmax(dim=1).cpu().numpy() for images, _ in loader]
        return np.concatenate(found)


def _strip(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, float]:
    """Paste a strip of full height from other images of the batch."""
    partners = torch.randperm(len(images), device=images.device)
    width = images.shape[3]
    half = int(width * np.random.beta(1, 1)) // 2  # noqa: NPY002
    centre = np.random.randint(width)  # noqa: NPY002
    left, right = max(0, centre - half), min(width, centre + half)
    images[:, :, :, left:right] = images[partners, :, :, left:right]
    return images, labels[partners], (right - left) / width
