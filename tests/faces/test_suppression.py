"""Grouped non-maximum suppression, compared with the loop that defines it."""

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.faces.suppression import suppress

Kind = Literal["union", "smaller"]


def overlap(a: torch.Tensor, b: torch.Tensor, share_of: Kind) -> float:
    width, height = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).tolist()
    first, second = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    whole = first + second - width * height if share_of == "union" else min(first, second)
    return float(width * height / whole)


def one_by_one(boxes: torch.Tensor, scores: torch.Tensor, group: torch.Tensor, limit: float, kind: Kind) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-float(scores[i]), i)):
        if all(group[i] != group[j] or overlap(boxes[i], boxes[j], kind) <= limit for j in kept):
            kept.append(i)
    return sorted(kept)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 70),
    groups=st.integers(1, 5),
    seed=st.integers(0, 10_000),
    limit=st.sampled_from([0.3183, 0.5236, 0.7071]),  # no overlap of such boxes is exactly this
    kind=st.sampled_from(["union", "smaller"]),
)
def test_equals_the_loop(n: int, groups: int, seed: int, limit: float, kind: Kind) -> None:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 40, (n, 2), generator=generator)
    size = torch.randint(1, 32, (n, 2), generator=generator)
    boxes = torch.cat([corner, corner + size], dim=1).float()
    scores = torch.randint(0, 20, (n,), generator=generator).float() / 20
    group = torch.randint(0, groups, (n,), generator=generator)
    assert suppress(boxes, scores, group, limit, kind).tolist() == one_by_one(boxes, scores, group, limit, kind)


def test_a_suppressed_box_suppresses_no_other() -> None:
    # The first overlaps the second, the second the third; the third is far enough from the first.
    boxes = torch.tensor([[0.0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]])
    kept = suppress(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, dtype=torch.int64), 0.5)
    assert kept.tolist() == [0, 2]


@pytest.mark.parametrize(("share_of", "kept"), [("union", [0, 1]), ("smaller", [0])])
def test_a_box_inside_another(share_of: Kind, kept: list[int]) -> None:
    boxes = torch.tensor([[0.0, 0, 100, 100], [40, 40, 60, 60]])
    assert suppress(boxes, torch.tensor([0.9, 0.8]), torch.tensor([0, 0]), 0.7, share_of).tolist() == kept
