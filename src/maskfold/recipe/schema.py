"""The JSON schema of recipes, with which editors complete and check them."""

from __future__ import annotations

from typing import Any

from maskfold.recipe.recipe import Recipe
from maskfold.recipe.schemes import PRESETS_SCHEME, SCHEMES, short_forms


def json_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of recipes as people write them, short settings included."""
    schema = Recipe.model_json_schema()
    properties, network = schema["properties"], schema["$defs"]["Network"]["properties"]
    properties["scheme"] = {
        "anyOf": [properties["scheme"], {"enum": list(SCHEMES)}],
        "description": properties["scheme"].get("description", ""),
    }
    for form, full in short_forms(PRESETS_SCHEME)["recipe"].items():
        group, name = form.split(".")
        known = properties.setdefault(group, {"type": "object", "additionalProperties": False, "properties": {}})
        known["properties"][name] = {"description": f"Short for {full}."}
    for form, full in short_forms(PRESETS_SCHEME)["network"].items():
        network[form] = {**network[full.partition(".")[0]]["additionalProperties"], "description": f"Short for {full}."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Recipe of maskfold"}
