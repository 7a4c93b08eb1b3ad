"""The bundle for GPU machines: packed, unpacked elsewhere, and its whole check run on the processor."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
STEPS = {
    *("tests", "train efficientnet_b4", "crop", "stopped by a signal", "residency, resume", "memory", "side by side"),
    *("train others", "predict", "crop on gpu", "train, any bits", "train compiled"),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    file = folder / "packed" / "gpu.tar"
    # Of this Python's version, as these are known to be where packages are installed from.
    version = ".".join(map(str, sys.version_info[:2]))
    _run(ROOT / "scripts" / "gpu_bundle.sh", file, PEOPLE="6", PYTHON_VERSION=version)
    with tarfile.open(file) as packed:
        packed.extractall(folder, filter="data")
    return folder


def _run(script: Path, argument: Path, **environment: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        ["bash", script, argument],
        env={**kept, "PYTHON": sys.executable, "PATIENCE": "5", **environment},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bundle_has_the_project_the_wheels_and_photographs(bundle: Path):
    assert (bundle / "project" / "pyproject.toml").is_file()
    assert not (bundle / "project" / ".git").exists()
    wheels = {wheel.name.split("-")[0] for wheel in (bundle / "wheels").glob("*.whl")}
    assert wheels == {
        *("annotated_types", "facenet_pytorch", "madgrad"),
        *("pydantic", "pydantic_core", "typing_inspection"),
    }
    assert len(list((bundle / "shared" / "realdata" / "train" / "images").glob("*/*"))) == 6 * 7


def test_every_step_of_the_check_runs_from_the_bundle_on_a_processor(bundle: Path):
    results = bundle / "results.jsonl"
    _run(bundle / "project" / "scripts" / "gpu_check.sh", results, TINY="1")
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    steps = {line["step"]: line["ok"] for line in lines if "step" in line}
    assert steps == dict.fromkeys(STEPS, True)
    by_part = {line["part"]: line for line in lines if "part" in line}
    assert {"residency", "resume", "memory", "side-by-side", "predict", "decode", "cpu", "gpu"} == set(by_part)
    assert by_part["residency"]["difference"] == by_part["resume"]["difference"] == 0
    assert sum(line.get("bench") == "train" for line in lines) == 4


def test_a_failed_step_is_told_and_the_others_still_run(bundle: Path, tmp_path: Path):
    script = bundle / "project" / "scripts" / "gpu_check.sh"
    text = script.read_text().replace("bench/gpu_crop.py decode cpu", "bench/gpu_crop.py nonsense")
    some = [
        line
        for line in text.splitlines()
        if not line.startswith("step ") or line.startswith(("step crop ", "step predict"))
    ]
    broken = script.with_name("broken.sh")
    broken.write_text("\n".join(some))
    with pytest.raises(AssertionError, match="some steps failed"):
        _run(broken, tmp_path / "results.jsonl", TINY="1")
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    crop, predict = (next(line for line in lines if line.get("step") == name) for name in ("crop", "predict"))
    assert (crop["ok"], crop["exit_code"]) == (False, "2")
    assert "there is no part nonsense" in "\n".join(crop["last"])
    assert predict["ok"]
