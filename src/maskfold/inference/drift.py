"""Whether new photographs differ from those of the training, told in words where they differ a lot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from maskfold.inference.tally import Tally
from maskfold.specs import Drift, ModelPackage

SHARE_MOVED: Final = 0.10
"""Change of a class's share that is told."""
FACES_LOST: Final = 0.05
"""More photographs without a face, as a share, that are told."""
LESS_SURE: Final = 0.05
"""Loss of mean confidence that is told."""
SIZE_MOVED: Final = 2.0
"""Factor of the median shorter side that is told."""
_BEYOND_CHANCE: Final = 3.0
"""Standard errors of a share: few photographs differ by chance."""


def drift_of(tally: Tally, model: ModelPackage, all_faces: bool) -> Drift:
    """Compare the answers for new photographs with those for the training photographs, out-of-fold.

    Args:
        tally: The new ones.
        model: Has the training's profile.
        all_faces: Whether every face was asked for; then no photograph is expected to show one.
    """
    usual, names = model.training, model.scheme.class_names()
    answered = max(1, tally.answered)
    shares = {
        name: (float(count) / answered, was)
        for name, count, was in zip(names, tally.classes.tolist(), usual.answer_shares, strict=True)
    }
    lost = tally.statuses["fallback"] + tally.statuses["unreadable"]
    faceless = None if all_faces else (lost / max(1, tally.photographs), usual.fallback_share)
    sure = (tally.confidence / answered, usual.confidence) if tally.answered else None
    sides = tally.side_quantiles()
    drift = Drift(
        class_shares=shares,
        without_face=faceless,
        confidence=sure,
        shorter_side=None if sides is None else (sides, usual.shorter_side),
        warnings=(),
    )
    return drift.model_copy(update={"warnings": tuple(_told(drift, tally))})


def _told(drift: Drift, tally: Tally) -> Iterator[str]:
    moved = {
        name: (now, was)
        for name, (now, was) in drift.class_shares.items()
        if abs(now - was) > SHARE_MOVED and _is_beyond_chance(now, was, tally.answered)
    }
    for name, (now, was) in sorted(moved.items(), key=lambda one: -abs(one[1][0] - one[1][1])):
        yield (
            f"{name}: {now:.0%} of the answers, {was:.0%} in training: other people or situations than in training, or "
            "answers that are wrong; look at some"
        )
    if drift.without_face is not None:
        now, was = drift.without_face
        if now - was > FACES_LOST and _is_beyond_chance(now, was, tally.photographs):
            yield (
                f"no face was found in {now:.0%} of the photographs, {was:.0%} in training: these are answered by the "
                "usual place of a face; are they photographs of one person each?"
            )
    if drift.confidence is not None and drift.confidence[1] - drift.confidence[0] > LESS_SURE:
        now, was = drift.confidence
        yield f"the mean confidence is {now:.2f}, {was:.2f} in training: expect more wrong answers than the scores say"
    if drift.shorter_side is not None:
        (low, now_side, high), (low_was, side_was, high_was) = drift.shorter_side
        ratio = now_side / max(1, side_was)
        if not 1 / SIZE_MOVED <= ratio <= SIZE_MOVED:
            yield (
                f"the shorter side is {now_side} pixels in the middle ({low} to {high}), {side_was} in training "
                f"({low_was} to {high_was}): sharpness and noise differ"
            )


def _is_beyond_chance(now: float, was: float, count: int) -> bool:
    if not count:
        return False
    expected = min(max(was, 0.5 / count), 1 - 0.5 / count)
    return abs(now - was) > _BEYOND_CHANCE * math.sqrt(expected * (1 - expected) / count)
