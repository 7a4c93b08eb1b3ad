"""Prints the requirements of pyproject.toml, one per line: of the package and of the named extras.

With ``--only``, only those of the extras.
"""

import sys
import tomllib
from pathlib import Path

extras = [name for name in sys.argv[1:] if name != "--only"]
project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
wanted = [] if "--only" in sys.argv else project["dependencies"]
print("\n".join([*wanted, *(line for name in extras for line in project["optional-dependencies"][name])]))
