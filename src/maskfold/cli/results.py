"""What a command made, as one line of JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from maskfold.errors import MaskfoldError
from maskfold.output import lost_output
from maskfold.wording import printable


def print_result(result: Mapping[str, Any], asked: bool) -> None:
    """Print a result on standard output, unless that is a terminal, where a person reads.

    Args:
        result: Values of JSON, with the addresses of what was made.
        asked: Whether the user asked for it with ``--json``.
    """
    if asked or not sys.stdout.isatty():
        print(json.dumps(result), flush=True)
    warn_of_lost_output()


def print_rows(rows: Mapping[str, str | None]) -> None:
    """Print for people what came of a command: one line each at any width, so that paths can be copied.

    Args:
        rows: Texts by name; empty ones are left out.
    """
    for name, text in rows.items():
        if text:
            print(f"{name:<23}{printable(text)}", file=sys.stderr)


def refuse_lost_output() -> None:
    """Fail if what a command was asked to print is lost, such as a recipe on a full disk.

    Raises:
        MaskfoldError: If standard output could not be written.
    """
    why = lost_output(wanted=True)
    if why is not None:
        raise MaskfoldError(f"standard output could not be written: {why}")


def warn_of_lost_output() -> None:
    """Warn if standard output could not be written: what a command did is done all the same."""
    why = lost_output()
    if why is not None:
        print(f"maskfold: the work is done, but standard output could not be written: {why}", file=sys.stderr)
