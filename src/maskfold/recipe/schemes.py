"""Schemes that ship with maskfold, and presets adapted to other schemes than their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml

from maskfold.errors import RecipeError
from maskfold.recipe.paths import put, take
from maskfold.scheme import JOINT

SCHEMES: Final = ("mask",)
"""Schemes by name; each is a file in ``presets/schemes``."""
PRESETS_SCHEME: Final = "mask"
"""The scheme that the recipe presets are written for."""


@cache
def _file(name: str) -> dict[str, Any]:
    text = resources.files("maskfold.recipe").joinpath("presets", "schemes", f"{name}.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def load_scheme(given: Any) -> Any:
    """Return the settings of a scheme given by name; return anything else unchanged.

    Raises:
        ValueError: If no scheme has that name.
    """
    if not isinstance(given, str):
        return given
    if given not in SCHEMES:
        raise ValueError(f"no scheme is called {given!r}; known: {', '.join(SCHEMES)}; or list the attributes")
    return {key: value for key, value in _file(given).items() if key != "short"}


def expand_short(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace the short settings of the recipe's scheme, such as ``labels.age_bounds``, by what they stand for.

    Args:
        settings: A recipe as it is written, with its scheme in full.
    """
    short = short_forms(str(settings["scheme"].get("name")))
    expanded = _expanded(settings, short.get("recipe", {}))
    for group in {form.partition(".")[0] for form in short.get("recipe", {})} & set(expanded):
        known = ", ".join(short["recipe"])
        raise RecipeError(f"setting {group}: unknown short setting {expanded[group]!r}; those of this scheme: {known}")
    networks = expanded.get("networks")
    if isinstance(networks, list):
        forms = short.get("network", {})
        expanded["networks"] = [_expanded(one, forms) if isinstance(one, Mapping) else one for one in networks]
    return expanded


def _expanded(node: Mapping[str, Any], forms: Mapping[str, str]) -> dict[str, Any]:
    found = dict(node)
    for short, full in forms.items():
        given = take(found, short.split("."))
        if given is not None:
            found, value = given
            there = take(found, full.split("."))
            if there is not None and isinstance(there[1], Mapping) and isinstance(value, Mapping):
                value = {**there[1], **value}  # as for long settings: those that are not given stay as they are
            found = put(found, full.split("."), value, short)
    return found


def fit_preset(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Adapt a preset, written for :data:`PRESETS_SCHEME`, to the scheme in its settings.

    Joint networks stay. Each attribute gets the network of the attribute that is most like its own: of the same name,
    else of the same kind (of a person or a photograph, named classes or a number). Short settings, corrections, covers
    and binnings of the other scheme are left out.
    """
    scheme, own = settings["scheme"], _file(PRESETS_SCHEME)
    settings = {**settings, "networks": [_without_foreign(one, scheme) for one in settings["networks"]]}
    if _names(scheme) == _names(own):
        return settings
    fitted = dict(settings)
    for short in own["short"]["recipe"]:
        fitted.pop(short.partition(".")[0], None)
    dataset = {key: value for key, value in settings.get("dataset", {}).items() if (key, value) != _AGREED}
    fitted["dataset"] = dataset
    joint = [network for network in settings["networks"] if network.get("target", JOINT) == JOINT]
    templates = {network["target"]: network for network in settings["networks"] if network not in joint}
    by_name = {attribute["name"]: attribute for attribute in own["attributes"]}
    fitted["networks"] = joint + [
        {**_most_like(attribute, templates, by_name), "name": attribute["name"], "target": attribute["name"]}
        for attribute in scheme["attributes"]
        if templates
    ]
    return fitted


_AGREED: Final = ("corrections", "agreed")


def _without_foreign(network: Mapping[str, Any], scheme: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a network's settings without covers and binnings of what the scheme lacks.

    Those are ``covering`` if the scheme has not the attribute with all its classes, and ``binning`` of each attribute
    that the scheme has not as a number.
    """
    covering = network.get("covering", {})
    values = {attribute["name"]: attribute.get("values", ()) for attribute in scheme["attributes"]}
    numeric = {attribute["name"] for attribute in scheme["attributes"] if attribute.get("bounds")}
    named = {covering[key] for key in ("bare", "worn", "wrong") if covering.get(key)}
    found = dict(network)
    if not named <= set(values.get(covering.get("attribute"), ())):
        del found["covering"]
    if "binning" in found:
        found["binning"] = {name: one for name, one in found["binning"].items() if name in numeric}
    return found


def _names(scheme: Mapping[str, Any]) -> list[str]:
    return [attribute["name"] for attribute in scheme["attributes"]]


def _most_like(
    attribute: Mapping[str, Any], templates: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    def likeness(target: str) -> tuple[bool, bool, bool]:
        other = by_name[target]
        return (
            target == attribute["name"],
            bool(other.get("bounds")) == bool(attribute.get("bounds")),
            other["of"] == attribute.get("of", "photograph"),
        )

    found: Mapping[str, Any] = templates[max(templates, key=likeness)]
    return found


def short_forms(scheme: str) -> Mapping[str, Mapping[str, str]]:
    """Return the short settings of a scheme and what they stand for: of the recipe, and of each of its networks.

    Args:
        scheme: Name of a scheme.

    Returns:
        ``recipe`` and ``network``, each from dotted key to dotted key; empty for a scheme that does not ship with
        maskfold.
    """
    found: Mapping[str, Mapping[str, str]] = _file(scheme)["short"] if scheme in SCHEMES else {}
    return found
