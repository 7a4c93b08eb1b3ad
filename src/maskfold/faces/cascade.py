"""MTCNN over batches of images: each network processes all candidate boxes of a batch together.

The cascade follows Zhang et al., "Joint face detection and alignment using multi-task cascaded convolutional
networks", 2016, with the networks, weights and conventions of facenet-pytorch: a fully convolutional network proposes
boxes on an image pyramid, a second one refines them, a third one decides. Three changes make it faster than
facenet-pytorch's loop: candidates are resampled from summed-area tables in one gather, the finest levels of the
pyramid are skipped because faces in portraits are not small, and large photographs are reduced first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from maskfold.faces.detector import Candidates, Image
from maskfold.faces.integral import resize_all, resize_boxes, summed_area_table
from maskfold.faces.networks import load_networks
from maskfold.faces.suppression import suppress

_CELL = 12
"""Receptive field of the proposal network, in pixels."""
_STRIDE = 2
_SMALLEST = 20
"""The smallest face that facenet-pytorch searches for by default, in pixels. The pyramid's levels are counted from it,
so that both use the same levels."""
_LARGEST = 1_000_000
"""Largest number of pixels to search; very long images are reduced to it."""
_BATCH_PIXELS = 1_500_000
"""Pixels searched together; bounds memory."""
_BLOCKS = {"propose": 8, "refine": 64, "decide": 16}
"""Inputs per call of each network. Calls are padded to exactly this number: the rounding of a convolution depends on
the batch size, and results must not depend on which images are searched together."""


@dataclass(frozen=True)
class Look:
    """How closely an image is searched."""

    min_face: float = 0.24
    """Smallest face to search for, as a share of the image's shorter side. Each level fewer nearly halves the cost of
    the first network; the closer look finds smaller faces."""
    thresholds: tuple[float, float, float] = (0.8, 0.8, 0.7)
    """Probability that a candidate must reach at each of the three networks. The first two are above facenet-pytorch's
    (0.6 and 0.7): there are far fewer candidates, and the faces of portraits stay above. The closer look finds what
    is lost."""
    overlap: float = 0.6
    """Overlap (IoU) above which the worse of two refined candidates is dropped. It is 0.1 below facenet-pytorch's: the
    third network, the most expensive one, gets a third fewer candidates."""
    factor: float = 0.709
    """Scale from one level of the image pyramid to the next."""
    detail: int = 120
    """Shorter side to search, in pixels; images of at least twice that are reduced first."""


class Cascade:
    """An MTCNN face detector.

    Args:
        look: How closely to search.
        device: Device of the networks.
    """

    def __init__(self, look: Look | None = None, device: str = "cpu") -> None:
        self.look = look or Look()
        self._device = torch.device(device)
        self._propose, self._refine, self._decide = load_networks(self._device)

    def detect(self, images: Sequence[Image]) -> list[Candidates]:
        """Find the faces of each image; see :class:`maskfold.faces.detector.Detector`."""
        small, factors = (
            zip(*(_reduced(image, self.look.detail) for image in images), strict=True) if images else ((), ())
        )
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, (image, factor) in enumerate(zip(small, factors, strict=True)):
            alike[(factor, *image.shape)].append(number)
        found: dict[int, Candidates] = {}
        with torch.inference_mode(), _same_rounding():
            for (factor, height, width, _), numbers in alike.items():
                size = max(1, _BATCH_PIXELS // (height * width))
                size = max(size // _BLOCKS["propose"] * _BLOCKS["propose"], min(size, _BLOCKS["propose"]))
                for begin in range(0, len(numbers), size):
                    part = numbers[begin : begin + size]
                    batch = torch.from_numpy(np.stack([small[number] for number in part])).to(self._device)
                    found.update(zip(part, self._search(batch, factor), strict=True))
        return [found[number].scaled(factor, factor) for number, factor in enumerate(factors)]

    def _search(self, batch: Tensor, factor: int) -> list[Candidates]:
        """Run the three stages on images of one size, reduced by a factor."""
        table = summed_area_table(batch)
        boxes, scores, image = self._proposals(table, factor)
        boxes, scores, image = self._second(table, boxes, image)
        boxes, scores, image = self._third(table, boxes, image)
        faces, probabilities, owner = boxes.cpu().numpy(), scores.cpu().numpy(), image.cpu().numpy()
        return [
            Candidates.ordered(faces[owner == number], probabilities[owner == number]) for number in range(len(batch))
        ]

    def _proposals(self, table: Tensor, factor: int) -> tuple[Tensor, Tensor, Tensor]:
        """Stage 1: candidates of all pyramid levels, after suppression within and across levels."""
        n = len(table)
        found = []
        levels = self._levels(table.shape[1] - 1, table.shape[2] - 1, factor)
        for level, (scale, height, width) in enumerate(levels):
            offsets, probability = self._run(self._propose, "propose", resize_all(table, height, width))
            image, row, column = (probability[:, 1] >= self.look.thresholds[0]).nonzero(as_tuple=True)
            corner = torch.stack([column, row], dim=1) * _STRIDE
            boxes = torch.cat([((corner + 1) / scale).floor(), ((corner + _CELL) / scale).floor()], dim=1)
            found.append(
                (boxes, probability[image, 1, row, column], offsets[image, :, row, column], image, image + n * level)
            )
        if not found:
            return table.new_zeros((0, 4), dtype=torch.float32), table.new_zeros(0).float(), table.new_zeros(0).long()
        boxes, scores, offsets, image, group = (torch.cat(column) for column in zip(*found, strict=True))
        kept = suppress(boxes, scores, group, 0.5)
        kept = kept[suppress(boxes[kept], scores[kept], image[kept], 0.7)]
        boxes, scores, offsets, image = boxes[kept], scores[kept], offsets[kept], image[kept]
        size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        return boxes + offsets * size, scores, image

    def _second(self, table: Tensor, boxes: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Stage 2: refine candidates on 24 x 24 pixels."""
        boxes, image, patches = _patches(table, boxes, image, 24)
        offsets, probability = self._run(self._refine, "refine", patches)
        passed = (probability[:, 1] > self.look.thresholds[1]).nonzero()[:, 0]
        boxes, scores, image, offsets = boxes[passed], probability[passed, 1], image[passed], offsets[passed]
        kept = suppress(boxes, scores, image, self.look.overlap)
        return _shift(boxes[kept], offsets[kept]), scores[kept], image[kept]

    def _third(self, table: Tensor, boxes: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Stage 3: decide on candidates on 48 x 48 pixels."""
        boxes, image, patches = _patches(table, boxes, image, 48)
        offsets, _, probability = self._run(self._decide, "decide", patches)
        passed = (probability[:, 1] > self.look.thresholds[2]).nonzero()[:, 0]
        boxes, scores, image = _shift(boxes[passed], offsets[passed]), probability[passed, 1], image[passed]
        kept = suppress(boxes, scores, image, 0.7, share_of="smaller")
        return boxes[kept], scores[kept], image[kept]

    def _levels(self, height: int, width: int, factor: int) -> Iterator[tuple[float, int, int]]:
        """Yield scale, height and width of the pyramid's levels, the finest first."""
        short = min(height, width)
        skipped = math.floor(math.log(self.look.min_face * short * factor / _SMALLEST) / -math.log(self.look.factor))
        # At most one level finer than facenet-pytorch's finest: a further one would enlarge the image.
        scale = factor * _CELL / _SMALLEST * self.look.factor ** max(skipped, -1)
        while short * scale >= _CELL:
            yield scale, int(height * scale + 1), int(width * scale + 1)
            scale *= self.look.factor

    def _run(self, network: Callable[[Tensor], tuple[Tensor, ...]], stage: str, pixels: Tensor) -> tuple[Tensor, ...]:
        """Run a network in blocks of a fixed size: (k, height, width, 3), 0..255."""
        k, size = len(pixels), _BLOCKS[stage]
        blocks = max(1, -(-k // size))
        padded = nn.functional.pad((pixels - 127.5) * 0.0078125, (0, 0, 0, 0, 0, 0, 0, blocks * size - k))
        outputs = [network(block) for block in torch.split(padded.permute(0, 3, 1, 2), size)]
        return tuple(torch.cat(parts)[:k] for parts in zip(*outputs, strict=True))


class _same_rounding:  # noqa: N801  reads as a function where it is used
    """Inside, torch rounds the same however work is split: in one thread, on a GPU without TF32, which moves boxes."""

    def __enter__(self) -> None:
        self._before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
        torch.set_num_threads(1)
        torch.backends.cudnn.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        threads, torch.backends.cudnn.allow_tf32 = self._before
        torch.set_num_threads(threads)


def _reduced(image: Image, detail: int) -> tuple[Image, int]:
    """Reduce a large image by an integer factor, by area averaging."""
    height, width = image.shape[:2]
    factor = max(1, min(height, width) // detail, math.ceil(math.sqrt(height * width / _LARGEST)))
    return (image if factor == 1 else np.asarray(Pillow.fromarray(image).reduce(factor))), factor


def _patches(table: Tensor, boxes: Tensor, image: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make boxes square around their centres and resample the part inside the image; drop empty ones."""
    width_height = boxes[:, 2:] - boxes[:, :2]
    side = width_height.amax(dim=1, keepdim=True)
    corner = boxes[:, :2] + width_height * 0.5 - side * 0.5
    square = torch.cat([corner, corner + side], dim=1)
    # The networks were trained on crops that begin one pixel before the box, counted from one.
    inside = square.trunc().long()
    limit = torch.tensor([table.shape[2] - 1, table.shape[1] - 1], device=table.device)
    inside = torch.cat([inside[:, :2].clamp(min=1) - 1, torch.minimum(inside[:, 2:], limit)], dim=1)
    usable = (inside[:, 2:] > inside[:, :2]).all(dim=1).nonzero()[:, 0]
    image = image[usable]
    return square[usable], image, resize_boxes(table, image, inside[usable], size)


def _shift(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move the edges of boxes by shares of their size."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * size.repeat(1, 2)
