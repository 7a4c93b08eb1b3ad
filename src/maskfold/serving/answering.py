"""Answers as values of JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from maskfold.scheme import FloatArray, Scheme
from maskfold.specs import ModelPackage

if TYPE_CHECKING:
    from maskfold.inference.predictor import Answer

_DIGITS = 6


def reply(model: ModelPackage, digest: str, names: Sequence[str], answers: Sequence[Sequence[Answer]]) -> Any:
    """Return the body of the answer to a request.

    Args:
        model: That answered.
        digest: Of its package.
        names: Of the photographs.
        answers: For each photograph.
    """
    rows = [
        {"image": number, "name": name, **_row(answer, model.scheme)}
        for number, (name, found) in enumerate(zip(names, answers, strict=True))
        for answer in found
    ]
    return {"model": {"name": model.name, "key": model.key, "digest": digest}, "answers": rows}


def _row(answer: Answer, scheme: Scheme) -> Mapping[str, Any]:
    number, box = answer.joint_class, answer.box
    return {
        "face": answer.face,
        "status": answer.status,
        "problem": answer.problem,
        "class": number,
        "class_name": None if number is None else scheme.class_names()[number],
        "attributes": None if answer.probabilities is None else _attributes(answer.probabilities, scheme),
        "probabilities": None if answer.probabilities is None else answer.probabilities.round(_DIGITS).tolist(),
        "confidence": _finite(answer.confidence),
        "unsure": answer.unsure,
        "box": None if box is None else [round(edge, 2) for edge in box],
        "face_probability": _finite(answer.face_probability),
        "height": answer.height,
        "width": answer.width,
    }


def _attributes(joint: FloatArray, scheme: Scheme) -> Mapping[str, Any]:
    """Return the class of each attribute in the most probable joint class, with the attribute's own probabilities."""
    labels = scheme.decode(int(joint.argmax()))
    shaped = joint.reshape(scheme.shape)
    described = {}
    for place, attribute in enumerate(scheme.attributes):
        others = tuple(other for other in range(len(scheme.shape)) if other != place)
        own = np.round(shaped.sum(axis=others), _DIGITS).tolist()
        names = attribute.class_names
        described[attribute.name] = {
            "class": names[labels[place]],
            "probability": own[labels[place]],
            "probabilities": dict(zip(names, own, strict=True)),
        }
    return described


def _finite(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None
