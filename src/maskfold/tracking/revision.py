"""Which state of the source code is running."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

REVISION_VARIABLE = "MASKFOLD_REVISION"


def git_tags() -> dict[str, str]:
    """Return the git revision of this package as tags; none when it is not known.

    A container image says in ``MASKFOLD_REVISION`` which one it was built from; elsewhere the checkout tells. An
    installed package inside somebody else's checkout (a virtual environment in a repository) has no revision there:
    git must know this very file.
    """
    built_from = os.environ.get(REVISION_VARIABLE)
    if built_from:
        return {"mlflow.source.git.commit": built_from}
    here = Path(__file__).resolve()
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return {}
    revision = _git(here.parent, "rev-parse", "HEAD")
    changes = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    if revision is None:
        return {}
    return {"mlflow.source.git.commit": revision, "git.modified": str(bool(changes)).lower()}


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [program, "-C", folder, *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout.strip()
