"""The recorded files cover the locks, and a file that differs from the recorded one is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.hashes import LOCKS, check, is_of, recorded, requirements


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_a_recorded_file(lock: str) -> None:
    known = recorded()
    lines = [line for line in requirements(lock) if ";" not in line]  # conditions are for other versions of Python
    assert lines
    assert [line for line in lines if not any(is_of(name, line) for name in known)] == []
    assert all(len(sha256) == 64 and "/" not in name for name, sha256 in known.items())


def test_a_file_is_known_by_name_and_bytes(tmp_path: Path) -> None:
    for name in ("a-1-py3-none-any.whl", "b-1.tar.gz", "new-1-cp399-none-any.whl"):
        (tmp_path / name).write_text(name)
    known = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a-1-py3-none-any.whl", "b-1.tar.gz")}
    assert check(tmp_path.iterdir(), known) == ["new-1-cp399-none-any.whl"]
    (tmp_path / "b-1.tar.gz").write_text("other bytes")
    with pytest.raises(SystemExit, match=r"b-1\.tar\.gz: the package index sent sha256 .* was not installed"):
        check(tmp_path.iterdir(), known)


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        ("ruamel.yaml.clib-0.2.15-cp311-cp311-linux_x86_64.whl", "ruamel.yaml.clib==0.2.15", True),
        ("ruamel_yaml_clib-0.2.15-cp311-cp311-linux_x86_64.whl", "ruamel.yaml.clib==0.2.15", True),
        ("torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl", "torch==2.13.0", True),
        ("torchvision-2.13.0-cp311-cp311-linux_x86_64.whl", "torch==2.13.0", False),
        ("async_timeout-5.0.1-py3-none-any.whl", 'async-timeout==5.0.1; python_full_version < "3.11.3"', True),
        ("madgrad-1.2.tar.gz", "madgrad==1.3", False),
    ],
)
def test_files_are_matched_to_versions(file: str, line: str, expected: bool) -> None:
    assert is_of(file, line) is expected
