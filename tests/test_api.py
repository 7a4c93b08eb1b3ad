"""maskfold from Python: in a script, beside a running event loop, in a notebook."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

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
    assert sorted(maskfold.__all__) == ["PredictResult", "RunResult", "predict", "run"]
    assert list(inspect.signature(maskfold.run).parameters) == [
        *("data", "workspace", "recipe", "set", "weights", "launcher", "progress")
    ]
    names = {
        name for name in {*vars(maskfold.RunResult), *maskfold.RunResult.__annotations__} if not name.startswith("_")
    }
    assert names == {"summary", "scores", "voters", "oof", "curves", "submission", "report", "workspace", "predict"}
    assert list(inspect.signature(maskfold.predict).parameters) == [
        *("images", "out", "workspace", "model", "all_faces", "labels", "launcher", "progress")
    ]
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


class Watching(NotebookClient):
    """A frontend of a notebook that keeps how outputs were drawn again."""

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take a message of the kernel."""
        if msg["msg_type"] in ("display_data", "update_display_data"):
            self.__dict__.setdefault("drawn", []).append(msg["content"])
        return super().process_message(msg, cell, cell_index)  # type: ignore[no-any-return]


def first_of(client: Watching) -> str:
    """The id of the output that was shown first."""
    return str(client.drawn[0]["transient"]["display_id"])


@pytest.mark.servers
@pytest.mark.slow
def test_the_notebook_runs_and_shows_progress(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = Watching(notebook, timeout=280, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    (notice, bars, result) = next(cell.outputs for cell in notebook.cells if "maskfold.run(" in cell.source)
    assert "RunResult(macro_f1=" in result["data"]["text/plain"]
    said = [content["data"] for content in client.drawn if content["transient"]["display_id"] == first_of(client)]
    assert [one["text/plain"] for one in said] == ["starting Prefect ...", ""]
    assert notice["data"]["text/html"] == ""
    # One output, which was drawn again and again, also while jobs ran.
    drawn = [content for content in client.drawn if content["transient"]["display_id"] != first_of(client)]
    assert len({content["transient"]["display_id"] for content in drawn}) == 1
    pages = [content["data"]["text/html"] for content in drawn]
    moved = [int(page.partition('aria-label="all jobs">')[2].partition(" ")[0]) for page in pages]
    assert len(set(moved)) > 5
    assert moved[-1] == 100
    assert any('aria-label="train_fold joint 1/2"' in page for page in pages)
    assert any("about" in page and "left" in page for page in pages)
    assert bars["data"]["text/html"] == pages[-1]
    assert re.fullmatch(r"all jobs +━{20} 100 %  (\d+)/\1 jobs, .*\n", bars["data"]["text/plain"])
