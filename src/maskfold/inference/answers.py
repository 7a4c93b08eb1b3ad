"""Answers as a table: one row a photograph, or a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from maskfold.inference.predictor import Answer
from maskfold.scheme import Scheme

EDGES = ("left", "top", "right", "bottom")


def columns(scheme: Scheme) -> list[str]:
    """Return the names of the columns of :func:`answer_table`."""
    return [
        *("image", "face", "class", *scheme.names, "confidence", "unsure"),
        *("face_status", "face_probability", *(f"face_{edge}" for edge in EDGES)),
        *("height", "width", "problem"),
        *(f"p{number}" for number in range(scheme.n_classes)),
    ]


def answer_table(names: Sequence[str], answers: Sequence[Answer], scheme: Scheme) -> pd.DataFrame:
    """Return answers as a table.

    Args:
        names: Name of each photograph.
        answers: For these, in their order.
        scheme: What the classes are.

    Returns:
        image; face, its number in the photograph (int32); class (Int32, missing where there is no face); the name of
        the class of each attribute; confidence (calibrated, NaN without an answer); unsure (bool); face_status,
        face_probability, face_left, face_top, face_right, face_bottom (float32, pixels of the upright photograph);
        height and width of the photograph (int32, 0 if it cannot be read); problem; p0 .. p<classes-1> (float64).
    """
    classes = [answer.joint_class for answer in answers]
    nowhere = (float("nan"),) * 4
    boxes = np.array([answer.box or nowhere for answer in answers], dtype=np.float32).reshape(-1, 4)
    nothing = np.full(scheme.n_classes, np.nan)
    given = [nothing if answer.probabilities is None else answer.probabilities for answer in answers]
    probabilities = np.array(given, dtype=np.float64).reshape(-1, scheme.n_classes)
    labels = scheme.decode([number or 0 for number in classes])
    table = pd.DataFrame(
        {
            "image": pd.Series([names[answer.photograph] for answer in answers], dtype="str"),
            "face": np.array([answer.face for answer in answers], dtype=np.int32),
            "class": pd.array(classes, dtype="Int32"),
        }
    )
    for place, attribute in enumerate(scheme.attributes):
        called = attribute.class_names
        table[attribute.name] = pd.Series(
            ["" if number is None else called[row[place]] for number, row in zip(classes, labels, strict=True)],
            dtype="str",
        )
    table["confidence"] = np.array([answer.confidence for answer in answers], dtype=np.float64)
    table["unsure"] = np.array([answer.unsure for answer in answers], dtype=np.bool_)
    table["face_status"] = pd.Series([answer.status for answer in answers], dtype="str")
    table["face_probability"] = np.array([answer.face_probability for answer in answers], dtype=np.float32)
    for place, edge in enumerate(EDGES):
        table[f"face_{edge}"] = boxes[:, place]
    table["height"] = np.array([answer.height for answer in answers], dtype=np.int32)
    table["width"] = np.array([answer.width for answer in answers], dtype=np.int32)
    table["problem"] = pd.Series([answer.problem or "" for answer in answers], dtype="str")
    numbered = pd.DataFrame(probabilities, columns=[f"p{number}" for number in range(scheme.n_classes)])
    return pd.concat([table, numbered], axis=1)
