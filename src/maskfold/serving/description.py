"""What the server says about itself: OpenAPI, and a page of it that loads nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, select_autoescape

DESCRIPTION: Final = (
    "Photographs of faces in, classes and probabilities out. The answers of photographs that are sent together, or by "
    "several clients at a time, do not depend on each other."
)
_IMAGE: Final = {"type": "string", "format": "binary"}
_BASE64: Final = {"type": "string", "contentEncoding": "base64"}
REQUEST_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "One photograph as it is, or several as files of a form, or as base64 in JSON: JPEG, PNG, WebP, "
    "BMP, TIFF or AVIF.",
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"images": {"type": "array", "items": _IMAGE}}}
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {
                    "images": {
                        "type": "array",
                        "items": {
                            "anyOf": [
                                _BASE64,
                                {
                                    "type": "object",
                                    "required": ["data"],
                                    "properties": {"name": {"type": "string"}, "data": _BASE64},
                                },
                            ]
                        },
                    }
                },
            }
        },
        "image/*": {"schema": _IMAGE},
    },
}
_NUMBER: Final = {"type": ["number", "null"]}
_ANSWER: Final = {
    "type": "object",
    "properties": {
        "image": {"type": "integer", "description": "number of the photograph in the request, from 0"},
        "name": {"type": "string", "description": "its name in the request"},
        "face": {"type": "integer", "description": "number of the face in the photograph, from 0"},
        "status": {
            "enum": ["detected", "retried", "fallback", "unreadable", "none"],
            "description": "how the face was found; fallback: not found, the usual place was looked at; unreadable: "
            "answered with the class shares of the training photographs; none: every face was asked for, and there is "
            "none",
        },
        "problem": {"type": ["string", "null"], "description": "why the photograph cannot be read, or what is odd"},
        "class": {"type": ["integer", "null"], "description": "number of the most probable joint class"},
        "class_name": {"type": ["string", "null"]},
        "attributes": {
            "type": ["object", "null"],
            "description": "by attribute: its class in the joint class, that class's probability, and those of all its "
            "classes",
        },
        "probabilities": {"type": ["array", "null"], "items": _NUMBER, "description": "of the joint classes"},
        "confidence": {**_NUMBER, "description": "calibrated probability that the joint class is right"},
        "unsure": {"type": "boolean", "description": "whether no joint class has a probability of one half"},
        "box": {
            "type": ["array", "null"],
            "items": _NUMBER,
            "description": "left, top, right, bottom of the face, in pixels of the upright photograph",
        },
        "face_probability": {**_NUMBER, "description": "of the detector"},
        "height": {"type": "integer", "description": "of the upright photograph"},
        "width": {"type": "integer"},
    },
}
_PROBLEM: Final = {
    "content": {
        "application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}}},
    }
}
_MODEL: Final = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("name", "key", "digest")},
    "description": "which model answered",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "an answer for each photograph, or for each face",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"model": _MODEL, "answers": {"type": "array", "items": _ANSWER}},
                }
            }
        },
    },
    400: {"description": "the request is malformed", **_PROBLEM},
    401: {"description": "the token is missing or wrong", **_PROBLEM},
    408: {"description": "the request did not arrive in time", **_PROBLEM},
    413: {"description": "too many bytes, photographs, or pixels of one photograph", **_PROBLEM},
    415: {"description": "neither a form, nor JSON, nor a photograph", **_PROBLEM},
    422: {"description": "there is no photograph that can be read; with answers as for 200", **_PROBLEM},
    429: {"description": "too many photographs wait; try again after `Retry-After` seconds", **_PROBLEM},
    503: {"description": "the model is being loaded, or the server stops", **_PROBLEM},
    504: {"description": "the answer took too long", **_PROBLEM},
}


@cache
def _environment() -> Environment:
    return Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True)


def documentation(description: dict[str, Any]) -> str:
    """Return a page for people.

    Args:
        description: The application's OpenAPI description.
    """
    template = (files("maskfold.serving") / "page" / "docs.html").read_text(encoding="utf-8")
    return _environment().from_string(template).render(api=description, answer=_ANSWER["properties"])
