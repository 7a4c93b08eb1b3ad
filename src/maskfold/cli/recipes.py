"""Commands for recipes: print one, explain a setting."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from maskfold.cli.endings import exit_codes
from maskfold.cli.options import Set
from maskfold.cli.results import refuse_lost_output


def recipe(
    recipe: Annotated[str, typer.Argument(help="A preset or a YAML file.")] = "fast",
    set: Set = [],
    short: Annotated[bool, typer.Option("--short", help="Print only what differs from the defaults.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Print no comments.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of recipes, with which editors complete them.")
    ] = False,
) -> None:
    """Print a recipe with all its settings, what they mean and what they allow, as YAML for --recipe FILE.yaml."""
    with exit_codes(verbose=False):
        from maskfold.recipe import dump_explained, dump_recipe, dump_short, json_schema, load_recipe

        if schema:
            print(json.dumps(json_schema(), indent=1))
        else:
            dump = dump_short if short else dump_recipe if plain else dump_explained
            print(dump(load_recipe(recipe, set)), end="")
        refuse_lost_output()


def explain(
    key: Annotated[
        str, typer.Argument(help="A setting, such as networks.*.optimizer.lr or only lr; a group, such as crop.")
    ] = "",
) -> None:
    """Say what a setting means: its default, what it allows, an example. Without a name, list all settings."""
    with exit_codes(verbose=False):
        from maskfold.recipe.explanation import explanation, overview

        print(explanation(key) if key else overview())
        refuse_lost_output()
