"""Photographs of a person whose labels were interchanged.

Within a person the labels are taken as given and assigned to the photographs anew, so that together they are most
probable: Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics 2.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from maskfold.audit.evidence import LEAST, Evidence
from maskfold.audit.suspect import LISTED, Change, Suspect
from maskfold.scheme import FloatArray, IntArray


def swap_suspects(evidence: Evidence) -> list[Suspect]:
    """Return photographs of a person that probably have each other's labels.

    The certainty is the sum over the photographs of the difference of the log-probabilities, new and old. All
    attributes of a photograph move together, as they do when files are interchanged.
    """
    places = [place for place, one in enumerate(evidence.scheme.attributes) if one.of == "photograph"]
    if not places:
        return []
    logs, codes = _photograph_logs(evidence, places), _photograph_codes(evidence, places)
    found = []
    for person, rows in evidence.rows_of.items():
        own = codes[rows]
        if len(np.unique(own)) < 2:
            continue
        new = assign(logs[rows], own)
        for cycle in _cycles(own, new):
            moved = rows[cycle]
            gain = float((logs[moved, new[cycle]] - logs[moved, own[cycle]]).sum())
            if gain > LISTED:
                found.append(_suspect(evidence, places, person, moved, new[cycle], gain))
    return found


def assign(logs: FloatArray, codes: IntArray) -> IntArray:
    """Return the most probable assignment of given labels to photographs.

    Args:
        logs: Log-probabilities, (photographs, classes).
        codes: The labels as they are, (photographs,): each is used as often as it occurs.

    Returns:
        Labels, (photographs,).
    """
    from scipy.optimize import linear_sum_assignment  # a quarter of a second, which only an audit needs

    rows, slots = linear_sum_assignment(-logs[:, codes])
    new = np.empty_like(codes)
    new[rows] = codes[slots]
    return new


def _photograph_logs(evidence: Evidence, places: list[int]) -> FloatArray:
    """Return log-probabilities of the classes of all photograph attributes together, (N, classes)."""
    shape = evidence.scheme.shape
    cube = evidence.joint.reshape(len(evidence.joint), *shape)
    others = tuple(place + 1 for place in range(len(shape)) if place not in places)
    return np.asarray(np.log(np.maximum(cube.sum(axis=others).reshape(len(cube), -1), LEAST)))


def _photograph_codes(evidence: Evidence, places: list[int]) -> IntArray:
    shape = tuple(evidence.scheme.shape[place] for place in places)
    return np.asarray(np.ravel_multi_index(tuple(evidence.labels[:, places].T), shape), dtype=np.int64)


def _cycles(old: IntArray, new: IntArray) -> list[IntArray]:
    """Split a new assignment into groups that exchange labels among themselves, the smallest that there are.

    Each photograph with a new label leads from its old label to the new one; as labels are only exchanged, these steps
    form circles.
    """
    steps: dict[int, list[int]] = defaultdict(list)
    for photograph in np.flatnonzero(old != new):
        steps[int(old[photograph])].append(int(photograph))
    found = []
    for start in sorted(steps):
        while steps[start]:
            way = [steps[start].pop()]
            while int(new[way[-1]]) != start:
                way.append(_next(steps[int(new[way[-1]])], new, start))
            found.append(np.sort(np.array(way, dtype=np.int64)))
    return found


def _next(candidates: list[int], new: IntArray, start: int) -> int:
    """Take the photograph that closes the circle if there is one."""
    closing = [one for one in candidates if int(new[one]) == start]
    chosen = (closing or candidates)[-1]
    candidates.remove(chosen)
    return chosen


def _suspect(
    evidence: Evidence, places: list[int], person: str, rows: IntArray, codes: IntArray, gain: float
) -> Suspect:
    attributes = [evidence.scheme.attributes[place] for place in places]
    suggested = np.stack(np.unravel_index(codes, tuple(one.size for one in attributes)), axis=-1)
    changes = tuple(
        Change(str(evidence.images[row]), attribute.name, int(evidence.labels[row, place]), int(suggested[number, at]))
        for number, row in enumerate(rows)
        for at, (place, attribute) in enumerate(zip(places, attributes, strict=True))
        if evidence.labels[row, place] != suggested[number, at]
    )
    return Suspect("swapped photographs", person, tuple(str(evidence.images[row]) for row in rows), changes, gain)
