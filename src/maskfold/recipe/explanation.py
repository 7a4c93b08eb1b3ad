"""What a setting means, for people: ``maskfold explain KEY``, and the page of all settings.

``python -m maskfold.recipe.explanation`` prints the page, which is ``docs/settings.md``.
"""

from __future__ import annotations

import shlex
import textwrap
from typing import Final

from pydantic_core import PydanticUndefined

from maskfold.errors import RecipeError
from maskfold.recipe.examples import example, in_presets
from maskfold.recipe.reference import Setting, all_settings, ending_with, find, inside, written
from maskfold.recipe.schemes import PRESETS_SCHEME, short_forms
from maskfold.wording import did_you_mean

_HEAD: Final = """\
# Settings

Every setting of a recipe. `maskfold explain KEY` shows one, `maskfold recipe fast` prints a recipe with all of them,
and `maskfold recipe --schema` the JSON schema for editors. In a YAML file settings are nested; on the command line they
are dotted: `--set 'networks.*.optimizer.lr=0.002'`. In place of `*` you write the name or number of a network or of an
attribute, or `*` for all of them. This page is generated from the code.
"""


def explanation(key: str) -> str:
    """Return what a setting or a group means, its default, what it allows, and an example.

    Args:
        key: Dotted path, or only its last name where that is the name of one setting or of several.

    Raises:
        RecipeError: If there is no such setting.
    """
    exact = find(_in_full(key))
    if exact is not None and exact.is_group:
        return _of_group(exact)
    found = [exact] if exact is not None else ending_with(key)
    if not found:
        keys = [setting.key for setting in all_settings()]
        last = [setting.path[-1] for setting in all_settings()]
        hint = did_you_mean(key, keys) or did_you_mean(key, last)
        raise RecipeError(f"no setting is called {key!r}.{hint} `maskfold explain` lists all")
    return "\n\n".join(_of_group(one) if one.is_group else _of_setting(one) for one in found)


def overview() -> str:
    """Return the keys of all settings, one a line with its default."""
    keys = [setting for setting in all_settings() if not setting.is_group]
    width = max(len(setting.key) for setting in keys)
    return "\n".join(f"{setting.key:<{width}}  {_default(setting)}" for setting in keys)


def settings_page() -> str:
    """Return the page of all settings in Markdown."""
    lines = [_HEAD]
    for setting in all_settings():
        if setting.is_group:
            lines.append(f"\n## {setting.key}\n\n{setting.meaning}\n")
        else:
            lines.append(
                f"- **`{setting.key}`**: {setting.meaning} *{setting.allowed}*; default `{_default(setting)}`. "
                f"Such as `{example(setting)}`."
            )
    lines.append("\n## Short settings\n")
    lines += [f"- `{short}` is short for `{full}`" for short, full in _short().items()]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _of_setting(setting: Setting) -> str:
    used = ", ".join(written(value) for value in in_presets(setting) if value != setting.default)
    rows = {
        "allowed": setting.allowed,
        "default": _default(setting),
        "in presets": used if len(used) < 80 else "",
        "example": f"--set {shlex.quote(example(setting))}",
    }
    return "\n".join(
        [
            setting.key,
            *textwrap.wrap(setting.meaning, 96, initial_indent="  ", subsequent_indent="  "),
            *(f"  {name:<12}{text}" for name, text in rows.items() if text),
        ]
    )


def _of_group(group: Setting) -> str:
    settings = [setting for setting in inside(group) if not setting.is_group]
    width = max(len(setting.key) for setting in settings)
    return "\n".join(
        [
            f"{group.key}, a group of settings",
            *textwrap.wrap(group.meaning, 96, initial_indent="  ", subsequent_indent="  "),
            *(f"  {setting.key:<{width}}  {_default(setting)}" for setting in settings),
        ]
    )


def _default(setting: Setting) -> str:
    return "must be given" if setting.default is PydanticUndefined else written(setting.default)


def _short() -> dict[str, str]:
    """Return the short settings of recipe and networks, and what they stand for."""
    forms = short_forms(PRESETS_SCHEME)
    return {**forms["recipe"], **{f"networks.*.{one}": f"networks.*.{full}" for one, full in forms["network"].items()}}


def _in_full(key: str) -> str:
    return _short().get(key, key)


if __name__ == "__main__":
    print(settings_page(), end="")
