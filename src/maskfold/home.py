"""The folder for files that outlive a run on this machine: cache, embedded databases, locks."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

HOME_VARIABLE = "MASKFOLD_HOME"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def home() -> Path:
    """Return ``$MASKFOLD_HOME``, by default ``~/.maskfold``, as a folder that only its owner can enter.

    It does not exist if it cannot be created: the code that writes to it reports why.
    """
    folder = Path(os.environ.get(HOME_VARIABLE) or "~/.maskfold").expanduser().absolute()
    with contextlib.suppress(OSError):
        make_private(folder)
    return folder


def make_private(folder: Path) -> Path:
    """Create a folder with mode 0700; take the permissions of others away from an existing one of this user.

    Raises:
        OSError: If it cannot be created.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077:
        folder.chmod(PRIVATE_FOLDER)
    return folder


def keep_caches_of_libraries() -> None:
    """Give libraries folders for their caches in ours, unless the user has set others.

    By default matplotlib writes to the user's home, and torch to a folder in the shared one for temporary files, under
    a name that everybody can guess and take first.
    """
    for variable, name in (("MPLCONFIGDIR", "matplotlib"), ("TORCHINDUCTOR_CACHE_DIR", "inductor")):
        if not os.environ.get(variable):
            with contextlib.suppress(OSError):  # a home that cannot be written costs the caches only
                os.environ[variable] = str(make_private(home() / "cache" / name))


def prefect_home() -> Path:
    """Return the folder of the embedded Prefect server: its history contains no other projects' runs and secrets."""
    return home() / "prefect"
