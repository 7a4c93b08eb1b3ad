"""Installs the locks from files whose bytes are known, and records what is known.

``requirements.hashes`` has a line for each file, as ``sha256sum`` writes it. A package has many files, for each
platform, version of Python and, with torch, build; one name on an index never changes its bytes. So this compares by
name, where ``pip --require-hashes`` would refuse every machine that needs a file that nobody has recorded.

``install``: downloads what the locks name, refuses a file that differs from the recorded one, says which files are not
recorded, and only then installs. It needs nothing but pip.

``record [PIP OPTION ...]``: adds the files that pip takes here, or for another machine: ``record --python-version 3.12
--platform manylinux_2_28_x86_64 --only-binary=:all: --target x``.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "requirements.hashes"
LOCKS: Mapping[str, tuple[str, ...]] = {"requirements.lock": (), "requirements-nodeps.lock": ("--no-deps",)}
"""Each with pip's options for it."""


def pip(*arguments: str | Path) -> None:
    """Run pip of this Python.

    Raises:
        CalledProcessError: If it fails; it has said why.
    """
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True)  # noqa: S603 - pip, with the names of our files


def recorded() -> dict[str, str]:
    """Return the sha256 of each recorded file, by its name."""
    lines = RECORDED.read_text(encoding="utf-8").splitlines() if RECORDED.exists() else []
    return {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines if not line.startswith("#"))}


def requirements(lock: str) -> list[str]:
    """Return the lines of a lock that name a package."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_of(file: str, requirement: str) -> bool:
    """Return whether a file is of the package and version of a line of a lock, whatever its build."""
    name, _, version = requirement.partition(";")[0].strip().partition("==")
    plain = file.lower().replace("-", "_").replace(".", "_")
    return plain.startswith(f"{name}_{version}".lower().replace("-", "_").replace(".", "_"))


def check(files: Iterable[Path], known: Mapping[str, str]) -> list[str]:
    """Compare files with what is recorded.

    Returns:
        Names of files that are not recorded.

    Raises:
        SystemExit: If a file differs from the recorded one.
    """
    unknown = []
    for file in sorted(files):
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if file.name not in known:
            unknown.append(file.name)
        elif known[file.name] != found:
            raise SystemExit(
                f"{file.name}: the package index sent sha256 {found}, but {RECORDED.name} has {known[file.name]}. "
                "It was not installed. Find out why; if you trust the file, delete its line there and run again"
            )
    return unknown


def install() -> None:
    """Install both locks into the environment of this Python."""
    known = recorded()
    for lock, options in LOCKS.items():
        lines = requirements(lock)
        # pip runs code of a source archive to learn its dependencies, so it must check such a file itself, before.
        sources = {name: line for name in known for line in lines if not name.endswith(".whl") and is_of(name, line)}
        with tempfile.TemporaryDirectory() as folder:
            wanted, hashed = Path(folder, "wanted.txt"), Path(folder, "hashed.txt")
            files = Path(folder, "files")
            wanted.write_text("\n".join(line for line in lines if line not in sources.values()), encoding="utf-8")
            pip("download", *options, "--dest", files, "--requirement", wanted)
            if sources:
                hashed.write_text("\n".join(f"{line} --hash=sha256:{known[one]}" for one, line in sources.items()))
                pip("download", "--no-deps", "--require-hashes", "--dest", files, "--requirement", hashed)
            unknown = check(files.iterdir(), known)
            if unknown:
                print(f"not in {RECORDED.name}, so taken by version alone: {', '.join(unknown)}", file=sys.stderr)
            pip("install", "--no-deps", "--no-index", *sorted(files.glob("*.whl")))
            for source in sorted(set(files.iterdir()) - set(files.glob("*.whl"))):
                pip("install", "--no-deps", source)


def record(options: list[str]) -> None:
    """Add the files that pip takes, with the sha256 of their index; drop those of versions no longer locked."""
    lines = [line for lock in LOCKS for line in requirements(lock)]
    known = {name: sha256 for name, sha256 in recorded().items() if any(is_of(name, line) for line in lines)}
    for lock in LOCKS:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            dry = ("--dry-run", "--ignore-installed", "--no-deps", "--report", report)
            pip("install", *dry, *options, "--requirement", ROOT / lock)
            for entry in json.loads(report.read_text(encoding="utf-8"))["install"]:
                archive = entry["download_info"]
                name = unquote(urlsplit(archive["url"]).path.rpartition("/")[2])
                known[name] = archive["archive_info"]["hashes"]["sha256"]
    text = "".join(f"{known[name]}  {name}\n" for name in sorted(known, key=str.lower))
    RECORDED.write_text(f"# Written by scripts/hashes.py record; sha256sum --check reads it.\n{text}", encoding="utf-8")
    print(f"{RECORDED.name}: {len(known)} files")


def main() -> None:
    """Install or record."""
    match sys.argv[1:]:
        case ["install"]:
            install()
        case ["record", *options]:
            record(options)
        case _:
            raise SystemExit("usage: python scripts/hashes.py install | record [PIP OPTION ...]")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None
