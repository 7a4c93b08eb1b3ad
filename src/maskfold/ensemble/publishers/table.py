"""The submission of any other data set: for each image its joint class, and each attribute with its probability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskfold.ensemble.publishers.rows import checked_class, checked_rows, to_csv
from maskfold.errors import InvariantError
from maskfold.scheme import PROBABILITY, FloatArray, Scheme


def columns(scheme: Scheme) -> list[str]:
    """Return the header: image, class (number), class_name, then name and probability of each attribute's class."""
    pairs = [column for name in scheme.names for column in (name, f"{name}{PROBABILITY}")]
    return ["image", "class", "class_name", *pairs]


def write(names: Sequence[str], probabilities: FloatArray, scheme: Scheme) -> bytes:
    """Write the most probable joint class of each image, and the attributes that it is made of.

    Args:
        names: Names of the evaluation images, in their order.
        probabilities: (N, joint classes).
        scheme: What the classes are.
    """
    answers = probabilities.argmax(axis=1)
    labels, marginals = scheme.decode(answers), scheme.marginals(probabilities)
    class_names, every = scheme.class_names(), np.arange(len(answers))
    cells: list[Sequence[object]] = [names, answers.tolist(), [class_names[answer] for answer in answers]]
    for place, attribute in enumerate(scheme.attributes):
        chosen, called = labels[:, place], attribute.class_names
        cells.append([called[one] for one in chosen])
        cells.append([f"{value:.6f}" for value in marginals[attribute.name][every, chosen]])
    return to_csv(columns(scheme), zip(*cells, strict=True))


def check(content: bytes, names: Sequence[str], scheme: Scheme) -> None:
    """Check the exact bytes that will be published.

    Args:
        content: The CSV file.
        names: Names of the evaluation images, in their order.
        scheme: What the classes are.

    Raises:
        InvariantError: If the header, the rows or their order differ, a class is out of range, a name does not belong
            to its class, or a probability is not a number 0..1.
    """
    class_names, made_of = scheme.class_names(), scheme.decode(np.arange(scheme.n_classes))
    for number, row in enumerate(checked_rows(content, columns(scheme), names, "the data set"), start=2):
        image, answer, class_name, *cells = row
        where = f"line {number}: class {answer!r} of {image}"
        label = checked_class(answer, scheme.n_classes, where)
        expected = [one.class_names[part] for one, part in zip(scheme.attributes, made_of[label], strict=True)]
        if [class_name, *cells[::2]] != [class_names[label], *expected]:
            raise InvariantError(
                f"submission, {where} is {class_names[label]!r}; the line names {class_name!r} and {cells[::2]}"
            )
        for name, text in zip(scheme.names, cells[1::2], strict=True):
            _check_probability(text, f"line {number}: {name}{PROBABILITY} {text!r} of {image}")


def _check_probability(text: str, where: str) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise InvariantError(f"submission, {where}; expected a number 0..1")
