"""The page on which a person decides about suspects: one file, which needs neither a server nor a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup

import maskfold
from maskfold.audit.doubles import Looks
from maskfold.audit.evidence import Evidence
from maskfold.audit.suspect import Suspect
from maskfold.dataset.correction_form import Cells, CorrectionForm
from maskfold.report.mistakes import Faces
from maskfold.report.page import environment
from maskfold.report.picture import thumbnail
from maskfold.scheme import Scheme
from maskfold.specs import AuditSpec

MOST: Final = 1_000
"""Suspects on the page; the table has all of them."""
_SIZE: Final = (120, 160)
"""Width and height of a face, at most, in pixels."""
_AROUND: Final = 8
"""Photographs of a person that are shown beside those in question."""
_WITH_OTHERS: Final = 300
"""Suspects, up to which those of a photograph are shown with the person's other photographs."""


def looks_of(
    manifest: pd.DataFrame, faces: Faces, progress: Callable[[int, int], None]
) -> tuple[Looks, list[str], list[str]]:
    """Return what faces of training and evaluation photographs look like, their paths, and their people."""
    shown = manifest[(manifest["part"] != "external") & manifest["readable"]]
    images = shown["image"].tolist()

    def seen() -> list[Any]:
        found = []
        for number, image in enumerate(images, start=1):
            found.append(faces(image))
            progress(number, len(images))
        return found

    return Looks.of(seen()), images, shown["person"].tolist()


def review_page(
    spec: AuditSpec,
    found: Sequence[Suspect],
    said: Sequence[Mapping[str, Cells] | None],
    evidence: Evidence,
    form: CorrectionForm,
    faces: Faces,
) -> str:
    """Return the page.

    Args:
        spec: Of the audit.
        found: All suspects, the most certain first.
        said: What to write down of each; None where a corrections file cannot say it.
        evidence: Labels and names.
        form: Of the corrections file.
        faces: Gives the packed face of an image.
    """
    pictures: dict[str, int] = {}
    rows_of_image = {str(image): row for row, image in enumerate(evidence.images)}
    suspects = []
    for suspect, rows in list(zip(found, said, strict=True))[:MOST]:
        shown = _shown(suspect, evidence, with_others=len(found) <= _WITH_OTHERS)
        for image in shown:
            pictures.setdefault(image, len(pictures))
        suspects.append(_described(suspect, rows, shown, evidence, rows_of_image, pictures))
    data = {
        "data_set": spec.vote.dataset_version,
        "form": {"key": form.key, "columns": form.columns, "whole": form.whole, "earlier": form.earlier},
        "numbers": {
            one.name: {"unit": one.unit, "lowest": one.lowest, "highest": one.highest}
            for one in spec.vote.recipe.scheme.attributes
            if one.is_number
        },
        "suspects": suspects,
        "pictures": [thumbnail(faces(image), _SIZE) for image in pictures],
    }
    script, style = (_file(name) for name in ("review.js", "review.css"))
    style = _file("style.css") + style
    return (
        environment()
        .get_template("review.html")
        .render(
            version=maskfold.__version__,
            run=spec.run,
            more=max(0, len(found) - MOST),
            data=Markup(_json(data)),  # noqa: S704 - nothing in it ends the element
            script=Markup(script),  # noqa: S704 - our own
            style=Markup(style),  # noqa: S704 - our own
            script_hash=_hash(script),
            style_hash=_hash(style),
        )
    )


def _shown(suspect: Suspect, evidence: Evidence, *, with_others: bool) -> list[str]:
    """Return the images that are shown: those in question first, then the person's others."""
    images = list(suspect.images)
    if suspect.kind in ("swapped photographs", "one photograph") and with_others:
        others = [str(evidence.images[row]) for row in evidence.rows_of[suspect.person]]
        images += [image for image in others if image not in suspect.images]
    return images[: max(_AROUND, len(suspect.images) if suspect.kind == "swapped photographs" else 0)]


def _described(
    suspect: Suspect,
    rows: Mapping[str, Cells] | None,
    shown: Sequence[str],
    evidence: Evidence,
    rows_of_image: Mapping[str, int],
    pictures: Mapping[str, int],
) -> dict[str, Any]:
    scheme = evidence.scheme
    changes: dict[str, list[Any]] = {}
    for change in suspect.changes:
        names = scheme[change.attribute].class_names
        changes.setdefault(change.image, []).append(
            [change.attribute, names[change.label], names[change.suggestion], _shares(evidence, change, rows_of_image)]
        )
    photographs = [
        {
            "picture": pictures[image],
            "name": str(evidence.names[rows_of_image[image]]) if image in rows_of_image else image,
            "labels": _labels(evidence, rows_of_image[image]) if image in rows_of_image else "evaluation part",
            "changes": changes.get(image, []),
            "asked": image in suspect.images,
        }
        for image in shown
    ]
    return {
        "id": suspect.id,
        "kind": suspect.kind,
        "person": suspect.person,
        "other": suspect.other,
        "grade": suspect.grade,
        "certainty": round(suspect.certainty, 1),
        "photographs": photographs,
        "rows": None if rows is None else {who: dict(cells) for who, cells in rows.items()},
    }


def _shares(evidence: Evidence, change: Any, rows_of_image: Mapping[str, int]) -> list[float]:
    """Return the probabilities of label and suggestion."""
    values = np.exp(evidence.logs[change.attribute][rows_of_image[change.image]])
    return [round(float(values[change.label]), 3), round(float(values[change.suggestion]), 3)]


def _labels(evidence: Evidence, row: int) -> str:
    scheme: Scheme = evidence.scheme
    return ", ".join(one.class_names[evidence.labels[row, at]] for at, one in enumerate(scheme.attributes))


def _file(name: str) -> str:
    return resources.files("maskfold").joinpath("report", "templates", name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """Return JSON that cannot end the element that it is in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
