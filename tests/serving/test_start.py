"""What a server needs not, it does not import: the time until the first answer is mostly that of imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch._dynamo", "torch._inductor", "matplotlib", "scipy.optimize", "mlflow", "prefect", "botocore")


def modules_after(code: str) -> set[str]:
    look = f"import json, sys\n{code}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.slow
def test_a_loaded_model_needs_no_compiler_no_figures_and_no_orchestrator() -> None:
    found = modules_after("import maskfold.serving.server, maskfold.serving.loaded")
    assert {"torch", "torchvision", "timm"} <= found
    assert not found & set(HEAVY)


@pytest.mark.slow
def test_torchs_compiler_is_all_there_when_it_is_wanted() -> None:
    found = modules_after(
        "import maskfold.torchvision_ops, torchvision\n"
        "roi = sys.modules['torchvision.ops.roi_align']  # the name in the package is the function\n"
        "assert roi.is_compile_supported('mps') is False\n"
        "import torch._dynamo.utils as real\n"
        "assert real.is_compile_supported('cpu') == roi.is_compile_supported('cpu')\n"
        "assert real.__file__ and real.counters is not None"
    )
    assert "torch._dynamo.eval_frame" in found


def test_the_command_line_waits_with_what_serving_needs() -> None:
    assert not modules_after("import maskfold.cli.app") & {"torch", "fastapi", "uvicorn", "maskfold.models", *HEAVY}
