"""The folder for files that outlive a run on this machine: cache, embedded MLflow store, locks."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "MASKFOLD_HOME"


def home() -> Path:
    """Return ``$MASKFOLD_HOME``, by default ``~/.maskfold``; it may not exist yet."""
    return Path(os.environ.get(HOME_VARIABLE) or "~/.maskfold").expanduser().absolute()
