"""The secret that clients show: from a file, or from the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from maskfold.errors import InputError, WorkspaceError
from maskfold.regular import read_regular

TOKEN_VARIABLE: Final = "MASKFOLD_SERVE_TOKEN"  # noqa: S105 - a name
SHORTEST: Final = 16
_LONGEST: Final = 1000
_DISTINCT: Final = 6
_ADVICE: Final = "a good one: openssl rand -hex 24"


def read_token(file: Path | None) -> str | None:
    """Return the token; None if neither the file is named nor the environment has one.

    Args:
        file: With the token and nothing else; it comes before the environment.

    Raises:
        InputError: If there is no such file, or what it has is no good token. The message does not show it.
    """
    if file is None:
        token = os.environ.get(TOKEN_VARIABLE)
        return None if not token else _checked(token.strip(), TOKEN_VARIABLE)
    try:
        content = read_regular(file, _LONGEST)
    except WorkspaceError as error:
        raise InputError(f"token file {file}: {error}") from None
    except OSError as error:
        raise InputError(f"token file {file}: {(error.strerror or 'cannot be read').lower()}") from None
    return _checked(content.decode("utf-8", "replace").strip(), f"token file {file}")


def _checked(token: str, where: str) -> str:
    if not re.fullmatch(r"[!-~]*", token):
        raise InputError(f"{where}: expected one token without blanks, of letters, digits and signs; {_ADVICE}")
    if len(token) < SHORTEST or len(set(token)) < _DISTINCT:
        raise InputError(
            f"{where}: the token has {len(token)} characters, {len(set(token))} of them different; expected at least "
            f"{SHORTEST}, and {_DISTINCT} different; {_ADVICE}"
        )
    return token
