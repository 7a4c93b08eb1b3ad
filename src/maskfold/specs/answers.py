"""Job ``answers``: the answers of all parts as one table, and what is to say about them."""

from __future__ import annotations

from typing import Annotated

from maskfold.recipe import OutsideKey, Settings
from maskfold.settings import Count, Probability
from maskfold.specs.address import Address, Sha256
from maskfold.specs.spec import File, Outcome, Spec


class Drift(Settings):
    """How the photographs differ from those of the training."""

    class_shares: dict[str, tuple[Probability, Probability]]
    """Of the answers: now, and in training; by joint class."""
    without_face: tuple[Probability, Probability] | None
    """Share of the photographs without a detected face; None where all faces were asked for."""
    confidence: tuple[float, float] | None
    """Mean calibrated probability of the answers; None if nothing could be answered."""
    shorter_side: tuple[tuple[int, int, int], tuple[int, int, int]] | None
    """5 %, 50 % and 95 % quantiles of the shorter side in pixels."""
    warnings: tuple[str, ...]
    """What has moved a lot, in words."""


class TargetScore(Settings):
    """How often the answers agree with given labels, with 95 % intervals by the bootstrap over people."""

    target: str
    """`joint`, or an attribute."""
    photographs: Count
    """With a known label and an answer, unreadable ones included."""
    accuracy: Probability
    accuracy_low: Probability
    accuracy_high: Probability
    macro_f1: Probability
    macro_f1_low: Probability
    macro_f1_high: Probability


class AnswersOutcome(Outcome):
    """The table and its summary."""

    answers: File
    """csv of all photographs, in the order of their listing."""
    new: File | None
    """csv of those that the output did not have before; None if it had none."""
    sheet: File | None
    """PNG: the surest and the least sure answers; None if there is no face."""
    report: File
    """JSON: this summary."""
    photographs: Count
    rows: Count
    new_photographs: Count
    statuses: dict[str, Count]
    """Answers by ``detected``, ``retried``, ``fallback``, ``unreadable`` and ``none``."""
    classes: dict[str, Count]
    """Answers by joint class, without those for unreadable photographs."""
    unsure: Count
    unreadable: tuple[str, ...]
    """The first ones, with their reasons."""
    drift: Drift
    scores: tuple[TargetScore, ...] = ()


class AnswersSpec(Spec[AnswersOutcome]):
    """Join the answers of all parts."""

    stage = "answers"
    version = 1
    model: Annotated[str, OutsideKey]
    digest: Sha256
    all_faces: bool = False
    root: str
    folder: Address
    order: File
    delivered: File | None = None
    """Order that the output had before."""
    labels: File | None = None
    labels_name: Annotated[str, OutsideKey] = ""
    """Of the file that the user named, for messages."""
