"""What Prefect, MLflow and other libraries find in the environment before they are imported."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path

from maskfold import errors
from maskfold.home import keep_caches_of_libraries, make_private, prefect_home


def quiet_servers() -> None:
    """Give libraries and embedded servers private homes, and disable telemetry, unless the user has set these."""
    for name, value in {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }.items():
        os.environ.setdefault(name, value)
    keep_caches_of_libraries()
    if not os.environ.get("PREFECT_HOME"):
        os.environ["PREFECT_HOME"] = str(prefect_home())
        with contextlib.suppress(OSError):  # reported when the server starts
            make_private(prefect_home())
        profiles = Path("~/.prefect/profiles.toml").expanduser()
        if profiles.is_file():  # `prefect config set PREFECT_API_URL=...` still counts
            os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles))


def quiet_logs() -> None:
    """Keep Prefect's log lines off the terminal, where the progress is shown; its server stores them all the same.

    In a notebook, tqdm, which other libraries bring along, asks for widgets that nothing of this needs.
    """
    warnings.filterwarnings("ignore", message="IProgress not found")
    for name in ("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "PREFECT_INTERNAL_LOGGING_LEVEL"):
        os.environ[name] = "CRITICAL"


@contextlib.contextmanager
def prefect_settings() -> Iterator[None]:
    """Report wrong settings of Prefect, which it reads when it is imported, as wrong input.

    Only imports belong inside: what is printed is kept back until the end.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    said = io.StringIO()  # Prefect itself prints half of the message
    try:
        with contextlib.redirect_stderr(said):
            yield
    except ValidationError as error:
        first = error.errors()[0]
        setting, given = ".".join(map(str, first["loc"])), str(first["input"])
        names = [name for name, value in os.environ.items() if name.startswith("PREFECT_") and value == given]
        named = " or ".join(names) or f"{error.title}.{setting} (of .env, prefect.toml or a profile)"
        raise errors.InputError(f"Prefect's setting {named}={given}: {first['msg']}; correct or unset it") from None
    except SettingsError as error:
        raise errors.InputError(f"Prefect's settings: {error}; {_remedy(str(error))}") from None
    except tomllib.TOMLDecodeError as error:
        profiles = os.environ.get("PREFECT_PROFILES_PATH") or Path(os.environ.get("PREFECT_HOME", ""), "profiles.toml")
        raise errors.InputError(
            f"Prefect's profiles, {profiles}: not valid TOML: {error}; correct or delete that file"
        ) from None
    sys.stderr.write(said.getvalue())


def _remedy(said: str) -> str:
    """Return what to do about a file or a variable that Prefect cannot parse."""
    field = re.search(r'field "(\w+)"', said)
    if field is None:
        return "correct or delete that file"
    names = [name for name in os.environ if name.startswith("PREFECT_") and name.endswith(field[1].upper())]
    return f"expected JSON; correct or unset {' or '.join(names) or f'{field[1]} in .env, prefect.toml or a profile'}"
