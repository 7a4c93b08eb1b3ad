"""The bill of materials names what the lock installs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def printed(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "scripts/sbom.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_locked_package_is_listed_once_with_its_version() -> None:
    bill = json.loads(printed())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition(";")[0] for line in lines if "==" in line and not line.startswith("#")]
    found = [f"{entry['name']}=={entry['version']}" for entry in bill["components"]]
    assert len(found) == len(set(found))
    assert set(wanted) <= set(found)
    assert "facenet-pytorch" in {entry["name"] for entry in bill["components"]}
    licensed = [entry for entry in bill["components"] if entry.get("licenses")]
    assert len(licensed) > 0.9 * len(found)
    assert printed() == printed()


def test_licences_are_listed() -> None:
    lines = [line.split("\t") for line in printed("--licences").splitlines()]
    assert sorted({name for name, _, licence in lines if licence} & {"numpy", "torch"}) == ["numpy", "torch"]
