"""Prints the requirements of pyproject.toml, one a line: of the package and of the extras that are named.

With ``--only``, of the extras alone.
"""

import sys
import tomllib
from pathlib import Path

extras = [name for name in sys.argv[1:] if name != "--only"]
project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
wanted = [] if "--only" in sys.argv else project["dependencies"]
print("\n".join([*wanted, *(line for name in extras for line in project["optional-dependencies"][name])]))
