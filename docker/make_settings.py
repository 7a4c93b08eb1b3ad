"""Creates docker/.env with random passwords: ``python3 docker/make_settings.py FILE``. An existing file stays."""

import os
import re
import secrets
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name(".env.example")


def settings() -> str:
    """Return the example settings with a random value for each blank password and token."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return re.sub(r"(?m)^(\w+_(?:PASSWORD|TOKEN))=$", lambda found: f"{found[1]}={secrets.token_hex(24)}", text)


def main(path: str) -> int:
    """Write the file, readable for its owner only; return the exit code."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{path}: exists, and stays as it is", file=sys.stderr)
        return 2
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(settings())
    print(f"{path}: created, with random passwords; only you can read it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
