"""Non-maximum suppression of many groups of boxes at once."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

_LARGEST_MATRIX = 4_000_000
"""Largest number of overlap matrix entries in memory at a time."""


def suppress(
    boxes: Tensor, scores: Tensor, group: Tensor, threshold: float, share_of: Literal["union", "smaller"] = "union"
) -> Tensor:
    """Keep, in each group, the boxes that no better kept box overlaps by more than the threshold.

    The result equals the sequential loop over the boxes of a group from the best to the worst. Instead of that loop,
    "kept unless a better kept box overlaps it" is applied to all boxes until nothing changes. The fixed point is unique
    (Cluster-NMS: Zheng et al., "Enhancing geometric factors in model learning and inference for object detection and
    instance segmentation", 2020, section IV-B).

    Args:
        boxes: (n, 4) float32: left, top, right, bottom.
        scores: (n,) float32; of equal ones the earlier counts as better.
        group: (n,) int64; boxes of different groups do not affect each other.
        threshold: Overlap above which the worse box is dropped.
        share_of: Overlap as a share of the union (IoU) or of the smaller box.

    Returns:
        Indices of the kept boxes, int64, ascending.
    """
    ranked = torch.argsort(scores, descending=True, stable=True)
    ranked = ranked[torch.argsort(group[ranked], stable=True)]
    _, counts = torch.unique_consecutive(group[ranked], return_counts=True)
    starts = counts.cumsum(0) - counts
    kept = [torch.zeros(0, dtype=torch.int64, device=boxes.device)]
    width = 1
    while width // 4 < int(counts.max() if len(counts) else 0):
        # Groups of similar size share one padded matrix.
        chosen = ((counts <= width) & (counts > width // 4)).nonzero()[:, 0]
        for part in chosen.split(max(1, _LARGEST_MATRIX // width**2)):
            place = torch.arange(width, device=boxes.device)
            valid = place < counts[part, None]
            index = ranked[torch.where(valid, starts[part, None] + place, 0)]
            kept.append(index[_keep(boxes[index], valid, threshold, share_of)])
        width *= 4
    return torch.cat(kept).sort().values


def _keep(boxes: Tensor, valid: Tensor, threshold: float, share_of: str) -> Tensor:
    """Decide for padded groups, best box first: (g, k, 4) and (g, k) to (g, k)."""
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    left_top = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    right_bottom = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    common = (right_bottom - left_top).clamp_(min=0).prod(dim=-1)
    if share_of == "union":
        whole = area[:, :, None] + area[:, None, :] - common
    else:
        whole = torch.minimum(area[:, :, None], area[:, None, :])
    # beats[g, i, j]: box i is better than box j and too close to it.
    beats = (common > threshold * whole).triu_(diagonal=1).float()
    keep = valid
    while True:
        beaten = torch.bmm(keep.float()[:, None], beats)[:, 0] > 0
        updated = valid & ~beaten
        if torch.equal(updated, keep):
            return keep
        keep = updated
