"""Prints a software bill of materials (CycloneDX 1.5, JSON) of what requirements.lock installs, with licences.

Versions come from the locks; licences and home pages from the metadata of the packages installed in the environment
that runs this. Packages that are not installed here have no licence in the output and are named on standard error.
Usage: ``.venv/bin/python scripts/sbom.py > sbom.json``; ``--licences`` prints a table of licences instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-nodeps.lock")
# The last part of a trove classifier, where it is not the licence's name in SPDX.
SPDX = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
}


def locked(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each line ``name==version`` of a lock."""
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if match:
            yield match.group(1), match.group(2)


def licence(package: metadata.PackageMetadata) -> str:
    """Return a package's licence: its SPDX expression, else its classifiers, else the first line of its licence."""
    expression = package.get("License-Expression")
    if expression:
        return expression
    classifiers = [line.rpartition(" :: ")[2] for line in package.get_all("Classifier") or [] if "License ::" in line]
    named = [SPDX.get(name, name) for name in classifiers if name not in ("OSI Approved", "DFSG approved")]
    return " AND ".join(named) or (package.get("License") or "").strip().partition("\n")[0][:80]


def component(name: str, version: str) -> dict[str, Any]:
    """Return a package's entry."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{plain}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{plain}@{version}",
    }
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        print(f"{name}: not installed here, so its licence is not known", file=sys.stderr)
        return entry
    text = licence(found)
    if text:
        is_expression = re.fullmatch(r"[A-Za-z0-9.+() -]+", text) and text.isascii()
        spdx = bool(is_expression) and all(
            re.fullmatch(r"AND|OR|WITH|[A-Za-z0-9.+-]+", word) for word in re.findall(r"[^\s()]+", text)
        )
        one_word = " " not in text or " AND " in text or " OR " in text or " WITH " in text
        entry["licenses"] = [{"expression": text}] if spdx and one_word else [{"license": {"name": text}}]
    return entry


def bill() -> dict[str, Any]:
    """Return the whole document; equal locks and environments give equal documents."""
    text = "\n".join((ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS)
    components = [
        component(name, version) for name, version in sorted(set(locked(text)), key=lambda one: one[0].lower())
    ]
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    own = re.search(r'__version__ = "(.+)"', (ROOT / "src/maskfold/__init__.py").read_text(encoding="utf-8"))
    version = own.group(1) if own else "0"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "maskfold",
                "name": "maskfold",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": "maskfold", "dependsOn": [entry["bom-ref"] for entry in components]}],
    }


def main() -> None:
    """Print the bill, or the licences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--licences", action="store_true", help="print name, version and licence, one package a line")
    document = bill()
    if not parser.parse_args().licences:
        print(json.dumps(document, indent=1))
        return
    for entry in document["components"]:
        stated = entry.get("licenses", [{"expression": "not stated"}])[0]
        print(f"{entry['name']}\t{entry['version']}\t{stated.get('expression') or stated['license']['name']}")


if __name__ == "__main__":
    main()
