"""maskfold from Python: in a script, beside a running event loop, in a notebook."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import maskfold
from maskfold.errors import InputError

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_run.ipynb"


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path) -> Iterator[None]:
    """A run sets variables for its own process."""
    saved = dict(os.environ)
    os.environ["MASKFOLD_HOME"] = str(tmp_path / "home")
    yield
    os.environ.clear()
    os.environ.update(saved)


def test_the_public_names() -> None:
    assert sorted(maskfold.__all__) == ["RunResult", "run"]
    assert list(inspect.signature(maskfold.run).parameters) == [
        *("data", "workspace", "recipe", "set", "weights", "launcher", "progress")
    ]
    names = {
        name for name in {*vars(maskfold.RunResult), *maskfold.RunResult.__annotations__} if not name.startswith("_")
    }
    assert names == {"summary", "scores", "voters", "oof", "curves", "submission", "report", "workspace"}
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        maskfold.train  # type: ignore[attr-defined]  # noqa: B018


def test_wrong_arguments_are_input_errors(drawn_data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        maskfold.run(tmp_path / "nowhere", tmp_path / "workspace")
    with pytest.raises(InputError, match=r"Did you mean networks\.\*\.optimizer\.lr"):
        maskfold.run(drawn_data, tmp_path / "workspace", set={"networks.*.lr": 1})


@pytest.mark.servers
@pytest.mark.slow
def test_a_run_beside_an_event_loop(drawn_data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def in_a_loop() -> maskfold.RunResult:
        return maskfold.run(drawn_data, tmp_path / "workspace", recipe="smoke", set={"networks.*.epochs": 1})

    result = asyncio.run(in_a_loop())
    assert 0 <= result.scores["macro_f1_low"] <= result.scores["macro_f1"] <= result.scores["macro_f1_high"] <= 1
    assert result.scores == result.voters["vote"]
    assert Path(result.report).is_file()
    assert Path(str(result.submission)).is_file()
    assert len(result.oof) > 0
    assert list(result.curves) == ["run", "network", "fold", "epoch", "tag", "value"]
    assert set(result.curves["fold"]) == {1, 2}
    assert f"macro_f1={result.scores['macro_f1']:.3f}" in repr(result)
    assert capfd.readouterr() == ("", "")
    again = maskfold.run(drawn_data, tmp_path / "workspace", recipe="smoke", set={"networks.*.epochs": 1})
    assert again.submission == result.submission


@pytest.mark.servers
@pytest.mark.slow
def test_the_notebook_runs_and_shows_progress(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = " ".join(str(output.get("data", output.get("text", ""))) for output in outputs)
    assert "RunResult(macro_f1=" in shown
    assert "train_fold joint 1/2: done" in shown
    assert not [output for output in outputs if output["output_type"] == "error"]
